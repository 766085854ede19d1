//! The server as a broker between clients.

use std::time::Duration;

use tokio::time::timeout;
use uspec_mtp::event::{FailureKind, MtpHappening};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{Far, Raw, TO_CONTROLLER};

#[tokio::test(start_paused = true)]
async fn what_one_client_sends_reaches_every_subscriber() {
    let network = MemoryNetwork::new();
    let _far = Far::start(&network, |_| {}).await;
    let mut one = Raw::subscribed(&network, "/topic/news").await;
    let mut two = Raw::subscribed(&network, "/topic/news").await;
    let mut other = Raw::subscribed(&network, "/topic/other").await;
    let mut sender = Raw::open(&network).await;
    sender.send("SEND\ndestination:/topic/news\nx-own:a\\cb\nreceipt:r\ncontent-type:text/plain\n\nhello\0").await;
    assert_eq!(sender.frame().await, "RECEIPT\nreceipt-id:r\n\n");
    for receiver in [&mut one, &mut two] {
        let frame = receiver.frame().await;
        assert!(frame.starts_with("MESSAGE\nsubscription:0\nmessage-id:"), "{frame}");
        for part in
            ["\ndestination:/topic/news\n", "\nx-own:a\\cb\n", "\ncontent-type:text/plain\n", "\ncontent-length:5\n"]
        {
            assert!(frame.contains(part), "{frame}");
        }
        assert!(frame.ends_with("\n\nhello") && !frame.contains("receipt"), "{frame}");
    }
    assert!(timeout(Duration::from_secs(5), other.frame()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_to_the_controller_can_be_listened_in_to() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut spy = Raw::subscribed(&network, TO_CONTROLLER).await;
    let mut sender = Raw::open(&network).await;
    sender.send(format!("SEND\ndestination:{TO_CONTROLLER}\nreply-to-dest:/queue/me\n\nrecord\0")).await;
    assert_eq!(far.record().await.0, b"record");
    assert!(spy.frame().await.ends_with("\n\nrecord"));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_old_kind_is_no_record() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut sender = Raw::open(&network).await;
    sender
        .send(format!(
            "SEND\ndestination:{TO_CONTROLLER}\ncontent-type:application/vnd.bbf.usp.error\n\nerr_code:7100\0"
        ))
        .await;
    let text = far
        .until(|what| match what {
            MtpHappening::Text { bytes, .. } => Some(bytes.clone()),
            MtpHappening::Record { .. } => panic!("a Record"),
            _ => None,
        })
        .await;
    assert_eq!(text, "err_code:7100");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_ends_by_its_id() {
    let network = MemoryNetwork::new();
    let _far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::subscribed(&network, "/queue/a").await;
    raw.send("SUBSCRIBE\nid:1\ndestination:/queue/b\nack:client\n\n\0UNSUBSCRIBE\nid:0\n\n\0").await;
    raw.send("SEND\ndestination:/queue/a\n\nlost\0SEND\ndestination:/queue/b\n\nfound\0").await;
    let frame = raw.frame().await;
    assert!(frame.starts_with("MESSAGE\nsubscription:1\n") && frame.ends_with("found"), "{frame}");
    assert!(frame.contains("\nack:"), "{frame}");
    raw.send("ACK\nid:1\n\n\0NACK\nid:1\n\n\0SEND\ndestination:/queue/b\n\nmore\0").await;
    assert!(raw.frame().await.ends_with("more"));
}

#[tokio::test(start_paused = true)]
async fn a_burst_reaches_its_receiver_whole_and_in_order() {
    let network = MemoryNetwork::new();
    let (_handle, _) = Far::start(&network, |_| {}).await.drain();
    let mut receiver = Raw::subscribed(&network, "/queue/a").await;
    let mut sender = Raw::open(&network).await;
    for number in 0..500 {
        sender.send(format!("SEND\ndestination:/queue/a\n\n{number}\0")).await;
    }
    for number in 0..500 {
        assert!(receiver.frame().await.ends_with(&format!("\n\n{number}")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_does_not_read_loses_and_is_told_while_others_go_on() {
    let network = MemoryNetwork::new();
    let (_handle, failures) = Far::start(&network, |_| {}).await.drain();
    let mut lazy = Raw::subscribed(&network, "/queue/lazy").await;
    let mut sender = Raw::subscribed(&network, "/queue/sender").await;
    let body = "x".repeat(512 * 1024);
    for _ in 0..20 {
        sender.send(format!("SEND\ndestination:/queue/lazy\ncontent-length:{}\n\n{body}\0", body.len())).await;
    }
    sender.send("SEND\ndestination:/queue/sender\n\nall well\0").await;
    assert!(sender.frame().await.ends_with("all well"));
    let mut received = 0;
    while let Ok(frame) = timeout(Duration::from_secs(1), lazy.frame()).await {
        assert!(frame.starts_with("MESSAGE\n"));
        received += 1;
    }
    assert!((1..20).contains(&received), "{received}");
    // What comes next tells it, at the latest.
    sender.send("SEND\ndestination:/queue/lazy\n\nagain\0").await;
    assert!(lazy.frame().await.ends_with("again"));
    let failures = failures.lock().unwrap();
    assert_eq!(failures[0].kind, FailureKind::Timeout);
    assert!(failures[0].text.contains("messages for this client are lost"), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_too_many_is_refused_and_its_place_is_free_again() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |config| config.max_clients = 2).await;
    let one = Raw::open(&network).await;
    let _two = Raw::open(&network).await;
    let mut three = Raw::connect(&network).await;
    assert_eq!(three.rest().await, b"");
    assert_eq!(far.failure().await.kind, FailureKind::TooManyConnections);
    drop(one);
    far.ended().await;
    Raw::open(&network).await;
}

#[tokio::test(start_paused = true)]
async fn many_clients_are_served_at_a_time() {
    let network = MemoryNetwork::new();
    let (_handle, _) = Far::start(&network, |config| config.max_clients = 300).await.drain();
    let mut clients = Vec::new();
    for number in 0..300 {
        clients.push(Raw::subscribed(&network, &format!("/queue/{number}")).await);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let to = (number + 1) % 300;
        client.send(format!("SEND\ndestination:/queue/{to}\n\nfrom {number}\0")).await;
    }
    for (number, client) in clients.iter_mut().enumerate() {
        assert!(client.frame().await.ends_with(&format!("from {}", (number + 299) % 300)));
    }
}
