//! Where byte streams come from: one trait, implemented over the operating system's sockets and in memory.
//!
//! The one decision behind it: nothing else in the project opens a socket for an MTP, so that a whole campaign can run in one
//! process under a paused clock by handing over a [`MemoryNetwork`] instead of a [`RealNetwork`].

mod address;
mod memory;
mod real;
mod unix;

use std::fmt::Debug;
use std::io;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::address::{Address, AddressError};
pub use self::memory::MemoryNetwork;
pub use self::real::RealNetwork;

/// A place where streams are opened and accepted.
pub trait Network: Debug + Send + Sync {
    /// Starts to listen at `address`. Port 0 asks for any free port; [`Listener::address`] tells which one it became.
    fn listen<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn Listener>, NetworkError>>;

    /// Opens a stream to whoever listens at `address`.
    ///
    /// It may take as long as the operating system likes; the caller sets the limit.
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<BoxStream, NetworkError>>;
}

/// An open listening place; it is closed by dropping it.
pub trait Listener: Send {
    /// The address that is really listened at: a requested port 0 is replaced.
    fn address(&self) -> Address;

    /// Waits for the next stream and tells who opened it. Cancelling the wait loses nothing.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, Address)>>;
}

/// A reliable stream of octets in both directions.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Arranges that dropping the stream breaks it (TCP: RST) instead of ending it in order (TCP: FIN), if it knows the difference.
    fn break_on_drop(&mut self);
}

/// Any stream, whatever carries it.
pub type BoxStream = Box<dyn ByteStream>;

/// Why a stream or a listening place could not be had.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Somebody listens there already.
    #[error("{address} is in use by another listener")]
    InUse {
        /// The address asked for.
        address: Address,
    },
    /// Nobody listens there, or its queue is full.
    #[error("{address} refused the connection")]
    Refused {
        /// The address asked for.
        address: Address,
    },
    /// Anything else that the operating system reports: no route, no such host, no permission.
    #[error("{address}: {source}")]
    Io {
        /// The address asked for.
        address: Address,
        /// The operating system's own report.
        source: io::Error,
    },
}

impl NetworkError {
    /// Sorts an error of the operating system.
    fn from_io(address: &Address, source: io::Error) -> Self {
        let address = address.clone();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            io::ErrorKind::ConnectionRefused => Self::Refused { address },
            _ => Self::Io { address, source },
        }
    }
}
