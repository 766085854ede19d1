//! The first octets of a stream, kept for the case that no TLS comes of it.
//!
//! One decision behind it: they are copied as they are read, so that nothing waits for them and a handshake goes as it would without.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::event::SHOWN_OCTETS;
use crate::network::{BoxStream, ByteStream};

/// The first octets that were read from a stream, at most [`SHOWN_OCTETS`].
#[derive(Debug, Clone, Default)]
pub(super) struct FirstOctets(Arc<Mutex<BytesMut>>);

impl FirstOctets {
    /// The same stream, and where its first octets will be.
    pub(super) fn of(stream: BoxStream) -> (BoxStream, Self) {
        let first = Self::default();
        (Box::new(Observed { stream, first: first.clone(), left: SHOWN_OCTETS }), first)
    }

    /// What has been read so far.
    pub(super) fn octets(&self) -> Bytes {
        self.kept().clone().freeze()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BytesMut> {
        // Octets are only added, so that a poisoned lock still guards sound ones.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Observed {
    stream: BoxStream,
    first: FirstOctets,
    left: usize,
}

impl AsyncRead for Observed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        if self.left > 0 {
            let came = buf.filled().get(before..).unwrap_or_default();
            let kept = came.get(..self.left).unwrap_or(came);
            self.first.kept().extend_from_slice(kept);
            self.left -= kept.len();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Observed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl ByteStream for Observed {
    fn break_on_drop(&mut self) {
        self.stream.break_on_drop();
    }
}
