//! TCP of the operating system.

use std::io;

use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};

use super::{Address, BoxStream, ByteStream, Listener, Network, NetworkError};

/// TCP of the operating system, without Nagle's delay: a Record goes out when it is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealNetwork;

impl Network for RealNetwork {
    fn listen<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn Listener>, NetworkError>> {
        Box::pin(async move {
            let from_io = |source| NetworkError::from_io(address, source);
            let inner = TcpListener::bind((address.host(), address.port())).await.map_err(from_io)?;
            let address = inner.local_addr().map_err(from_io)?.into();
            Ok(Box::new(RealListener { inner, address }) as Box<dyn Listener>)
        })
    }

    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<BoxStream, NetworkError>> {
        Box::pin(async move {
            let from_io = |source| NetworkError::from_io(address, source);
            let stream = TcpStream::connect((address.host(), address.port())).await.map_err(from_io)?;
            stream.set_nodelay(true).map_err(from_io)?;
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
            stream.set_nodelay(true)?;
            Ok((Box::new(stream) as BoxStream, peer.into()))
        })
    }
}

impl ByteStream for TcpStream {
    fn break_on_drop(&mut self) {
        // A socket that does not take the option is ended in order instead: the peer sees an end of stream either way.
        let _ = self.set_zero_linger();
    }
}
