//! What is right is in order, over every MTP of the bundled Agent.

use crate::kit::Setup;
use uspec_cli::load;
use uspec_runner::doctor::{Outcome, Stage};

#[tokio::test(start_paused = true)]
async fn every_mtp_is_in_order_and_every_step_is_told_once() {
    for mtp in load::profile(None).unwrap().mtps {
        let (examination, told) = Setup::of(&mtp.name).examine().await;
        assert!(examination.is_good(), "{examination:#?}");
        assert_eq!(told.len(), examination.steps.len(), "{told:#?}");
        let without_remark = |outcome: &Outcome| matches!(outcome, Outcome::Good { remarks, .. } if remarks.is_empty());
        assert!(examination.steps.iter().all(|step| without_remark(&step.outcome)), "{examination:#?}");
        let has = |stage: Stage| examination.steps.iter().any(|step| step.stage == stage);
        assert_eq!(has(Stage::Tls), mtp.transport.tls().is_some());
        assert_eq!(has(Stage::Route), matches!(mtp.kind(), "mqtt" | "stomp"));
        assert!(has(Stage::Place) && has(Stage::Protocol) && has(Stage::Get) && has(Stage::ReplyPath));
    }
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_the_profile_does_not_name_is_learnt() {
    for mtp in ["websocket", "websocket-server", "mqtt5", "stomp", "uds"] {
        let mut setup = Setup::of(mtp);
        setup.profile.eut_endpoint_id = None;
        let (examination, _) = setup.examine().await;
        assert!(examination.is_good(), "{examination:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_whose_topic_the_profile_does_not_name_is_learnt() {
    use uspec_testplan::profile::Transport;
    for mtp in ["mqtt5", "mqtt311", "stomp"] {
        let setup = Setup::with(mtp, |setup| match &mut setup.mtp.transport {
            Transport::Mqtt(it) => it.agent_topic = None,
            Transport::Stomp(it) => it.agent_destination = None,
            Transport::WebSocket(_) | Transport::Uds(_) => panic!("no broker"),
        });
        let (examination, _) = setup.examine().await;
        assert!(examination.is_good(), "{examination:#?}");
    }
}
