//! A network inside one process, for runs under a paused clock.
//!
//! Every clone is the same network: the Controller's side and the Agent's side get a clone each.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;

use super::{Address, BoxStream, ByteStream, Listener, Network, NetworkError};

/// Octets that fit into one direction of a stream before its writer has to wait; about what a kernel gives a socket.
const STREAM_CAPACITY: usize = 64 * 1024;

/// Streams that may wait for `accept` before a further one is refused; the usual backlog of a kernel is of this order.
const BACKLOG: usize = 64;

/// Ports handed out for "any free port" and for connecting sides start here, where the registered range ends.
const FIRST_FREE_PORT: u16 = 49152;

/// A network inside one process. Hosts are mere names; `0.0.0.0` and `::` listen for every host.
#[derive(Debug, Clone, Default)]
pub struct MemoryNetwork {
    listeners: Arc<Mutex<BTreeMap<Address, mpsc::Sender<Incoming>>>>,
}

type Incoming = (BoxStream, Address);

impl MemoryNetwork {
    /// A network on which nobody listens yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<Address, mpsc::Sender<Incoming>>> {
        // The table is never left half-changed, so that a poisoned lock still guards a sound one.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen_now(&self, wanted: &Address) -> Result<Box<dyn Listener>, NetworkError> {
        let mut table = self.table();
        table.retain(|_, queue| !queue.is_closed());
        let address = match wanted {
            Address::Tcp { port: 0, .. } => free_address(&table, wanted),
            Address::Tcp { .. } | Address::Unix { .. } => Some(wanted.clone()),
        };
        let address = address
            .filter(|address| !table.contains_key(address))
            .ok_or_else(|| NetworkError::InUse { address: wanted.clone() })?;
        let (queue, incoming) = mpsc::channel(BACKLOG);
        table.insert(address.clone(), queue);
        Ok(Box::new(MemoryListener { address, incoming }))
    }

    fn connect_now(&self, address: &Address) -> Result<BoxStream, NetworkError> {
        let refused = || NetworkError::Refused { address: address.clone() };
        let (ours, theirs) = MemoryStream::pair();
        let table = self.table();
        let queue = table
            .get(address)
            .or_else(|| table.get(&Address::tcp("0.0.0.0", address.port())))
            .or_else(|| table.get(&Address::tcp("::", address.port())))
            .ok_or_else(refused)?;
        let from = match address {
            Address::Tcp { .. } => Address::tcp("memory", FIRST_FREE_PORT),
            Address::Unix { .. } => address.clone(),
        };
        queue.try_send((Box::new(theirs), from)).map_err(|_| refused())?;
        Ok(Box::new(ours))
    }
}

impl Network for MemoryNetwork {
    fn listen<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn Listener>, NetworkError>> {
        Box::pin(async move { self.listen_now(address) })
    }

    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<BoxStream, NetworkError>> {
        Box::pin(async move { self.connect_now(address) })
    }
}

fn free_address(table: &BTreeMap<Address, mpsc::Sender<Incoming>>, wanted: &Address) -> Option<Address> {
    (FIRST_FREE_PORT..=u16::MAX).map(|port| wanted.with_port(port)).find(|address| !table.contains_key(address))
}

struct MemoryListener {
    address: Address,
    incoming: mpsc::Receiver<Incoming>,
}

impl Listener for MemoryListener {
    fn address(&self) -> Address {
        self.address.clone()
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Incoming>> {
        Box::pin(async move {
            // The sender stays in the network's table, which outlives this listener through its handles, or is gone with them.
            self.incoming.recv().await.ok_or_else(|| io::Error::other("the network is gone"))
        })
    }
}

/// One end of a stream in memory, with TCP's two ways of ending: in order, or broken.
struct MemoryStream {
    inner: DuplexStream,
    /// Set by the end that breaks the stream; read by both.
    broken: Arc<AtomicBool>,
    breaks: bool,
}

impl MemoryStream {
    fn pair() -> (Self, Self) {
        let (one, other) = tokio::io::duplex(STREAM_CAPACITY);
        let broken = Arc::new(AtomicBool::new(false));
        let end = |inner, broken| Self { inner, broken, breaks: false };
        (end(one, Arc::clone(&broken)), end(other, broken))
    }
}

impl ByteStream for MemoryStream {
    fn break_on_drop(&mut self) {
        self.breaks = true;
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        if self.breaks {
            self.broken.store(true, Ordering::Release);
        }
    }
}

impl AsyncRead for MemoryStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        if buf.filled().len() == before && self.broken.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for MemoryStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    // Without it TLS would lose its last alert: what a dying handshake has left to say it writes at once or not at all.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn carries_octets_both_ways() {
        let network = MemoryNetwork::new();
        let mut listener = network.listen(&Address::tcp("agent", 0)).await.unwrap();
        let mut client = network.clone().connect(&listener.address()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(b"ping").await.unwrap();
        let mut got = [0; 4];
        server.read_exact(&mut got).await.unwrap();
        server.write_all(&got).await.unwrap();
        client.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"ping");
    }

    #[tokio::test]
    async fn refuses_where_nobody_listens_or_no_longer_does() {
        let network = MemoryNetwork::new();
        let address = Address::tcp("agent", 80);
        assert!(matches!(network.connect(&address).await.err(), Some(NetworkError::Refused { .. })));
        drop(network.listen(&address).await.unwrap());
        assert!(matches!(network.connect(&address).await.err(), Some(NetworkError::Refused { .. })));
    }

    #[tokio::test]
    async fn a_port_has_one_listener() {
        let network = MemoryNetwork::new();
        let address = Address::tcp("agent", 80);
        let first = network.listen(&address).await.unwrap();
        assert!(matches!(network.listen(&address).await.err(), Some(NetworkError::InUse { .. })));
        drop(first);
        assert!(network.listen(&address).await.is_ok());
    }

    #[tokio::test]
    async fn the_wildcard_host_listens_for_every_host() {
        let network = MemoryNetwork::new();
        let _listener = network.listen(&Address::tcp("0.0.0.0", 80)).await.unwrap();
        assert!(network.connect(&Address::tcp("agent", 80)).await.is_ok());
        assert!(network.connect(&Address::tcp("agent", 81)).await.is_err());
    }

    #[tokio::test]
    async fn a_socket_file_has_one_listener_and_no_port() {
        let network = MemoryNetwork::new();
        let address = Address::unix("/run/usp.sock");
        assert!(matches!(network.connect(&address).await.err(), Some(NetworkError::Refused { .. })));
        let mut listener = network.listen(&address).await.unwrap();
        assert_eq!(listener.address(), address);
        assert!(matches!(network.listen(&address).await.err(), Some(NetworkError::InUse { .. })));
        let _stream = network.connect(&address).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1, address);
        assert!(network.connect(&Address::unix("/run/other.sock")).await.is_err());
        drop(listener);
        assert!(network.listen(&address).await.is_ok());
    }

    #[tokio::test]
    async fn ends_in_order_or_broken() {
        for breaks in [false, true] {
            let (mut one, mut other) = MemoryStream::pair();
            if breaks {
                one.break_on_drop();
            }
            drop(one);
            let end = other.read(&mut [0; 1]).await;
            assert_eq!(end.is_err(), breaks);
        }
    }
}
