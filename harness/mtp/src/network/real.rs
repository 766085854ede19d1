//! TCP and UNIX domain sockets of the operating system.

use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use super::{Address, BoxStream, ByteStream, Listener, Network, NetworkError, unix};

/// After this silence TCP asks whether the peer is still there: a device that loses its power says nothing, and its session would look open for
/// ever. Unseen by the MTP, so that no verdict depends on it.
const ASK_AFTER: Duration = Duration::from_secs(10);
/// How long one such question waits.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How many of them may stay without an answer before the connection counts as broken.
const ASK_TIMES: u32 = 3;

/// The operating system's network. TCP is without Nagle's delay: a Record goes out when it is written. A peer that is gone without a word is
/// noticed.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealNetwork;

impl Network for RealNetwork {
    fn listen<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn Listener>, NetworkError>> {
        Box::pin(async move {
            if let Some(path) = address.path() {
                return unix::listen(path).await;
            }
            let from_io = |source| NetworkError::from_io(address, source);
            let inner = TcpListener::bind((address.host(), address.port())).await.map_err(from_io)?;
            let address = inner.local_addr().map_err(from_io)?.into();
            Ok(Box::new(RealListener { inner, address }) as Box<dyn Listener>)
        })
    }

    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<BoxStream, NetworkError>> {
        Box::pin(async move {
            if let Some(path) = address.path() {
                return unix::connect(path).await;
            }
            let from_io = |source| NetworkError::from_io(address, source);
            let stream = TcpStream::connect((address.host(), address.port())).await.map_err(from_io)?;
            prepare(&stream).map_err(from_io)?;
            Ok(Box::new(stream) as BoxStream)
        })
    }
}

struct RealListener {
    inner: TcpListener,
    address: Address,
}

impl Listener for RealListener {
    fn address(&self) -> Address {
        self.address.clone()
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, Address)>> {
        Box::pin(async move {
            let (stream, peer) = self.inner.accept().await?;
            prepare(&stream)?;
            Ok((Box::new(stream) as BoxStream, peer.into()))
        })
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(ASK_AFTER).with_interval(ASK_EVERY).with_retries(ASK_TIMES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

impl ByteStream for TcpStream {
    fn break_on_drop(&mut self) {
        // A socket that does not take the option is ended in order instead: the peer sees an end of stream either way.
        let _ = self.set_zero_linger();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_ends_ask_whether_the_peer_is_still_there() {
        let any = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let connected = TcpStream::connect(any.local_addr().unwrap()).await.unwrap();
        prepare(&connected).unwrap();
        let socket = SockRef::from(&connected);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), ASK_AFTER);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), ASK_EVERY);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), ASK_TIMES);
    }
}
