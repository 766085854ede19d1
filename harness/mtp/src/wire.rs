//! The driver below every MTP: one stream, TLS if it is to be, and the octet log.

use std::io;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout, timeout_at};

use crate::event::{Direction, EndedBy, Failure, FailureKind, MtpHappening, Party};
use crate::log::Log;
use crate::network::{Address, BoxStream, Network};
use crate::tls::{ReadyClient, ReadyServer, TlsError, TlsFailure, TlsMaterial, TlsSession};

/// Longest wait for a stream to open. A kernel tries for two minutes, which is more than any test case waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for a TLS handshake: even slow devices finish an RSA handshake within a few seconds.
const TLS_TIMEOUT: Duration = Duration::from_secs(15);

/// How much one read may bring; larger messages come in several reads.
pub(crate) const READ_CHUNK: usize = 16 * 1024;

/// How long a stream that we ended is still read, so that the peer gets our last octets before a reset can discard them.
const DRAIN_WAIT: Duration = Duration::from_secs(2);

/// How much of that is read at most.
const DRAIN_OCTETS: usize = 1024 * 1024;

/// TLS of one end, as its role wants it.
#[derive(Debug, Clone)]
pub(crate) enum Tls {
    /// Clear text.
    Off,
    /// We answer handshakes.
    Server(ReadyServer),
    /// We open handshakes.
    Client(ReadyClient),
}

impl Tls {
    /// The same with another certificate and key.
    pub(crate) fn showing(&self, identity: TlsMaterial) -> Result<Self, TlsError> {
        match self {
            Self::Off => Err(TlsError::NotInUse),
            Self::Server(server) => Ok(Self::Server(server.showing(identity)?)),
            Self::Client(client) => Ok(Self::Client(client.showing(identity)?)),
        }
    }

    /// The same with other trust anchors.
    pub(crate) fn trusting(&self, anchors: &str, accept_any: bool) -> Result<Self, TlsError> {
        match self {
            Self::Off => Err(TlsError::NotInUse),
            Self::Server(server) => Ok(Self::Server(server.trusting(anchors, accept_any)?)),
            Self::Client(client) => Ok(Self::Client(client.trusting(anchors, accept_any)?)),
        }
    }
}

/// Why there is no stream to speak an MTP on.
#[derive(Debug)]
pub(crate) enum WireFailure {
    /// There is none at all.
    Unreachable(Failure),
    /// It was opened, and TLS could not be established on it.
    Tls(Box<TlsFailure>),
}

/// One stream in clear text, with its log.
pub(crate) struct Wire {
    pub(crate) reader: ReadHalf<BoxStream>,
    pub(crate) writer: WriteHalf<BoxStream>,
    pub(crate) log: Log,
    /// What TLS agreed on and showed; none in clear text.
    pub(crate) tls: Option<Box<TlsSession>>,
}

impl Wire {
    /// Opens a stream to `address` and reports the attempt.
    pub(crate) async fn connect(
        network: &dyn Network,
        address: &Address,
        tls: &Tls,
        log: Log,
    ) -> Result<Self, WireFailure> {
        log.emit(MtpHappening::Attempt { opener: Party::Us, peer: address.clone() }).await;
        let stream = match timeout(CONNECT_TIMEOUT, network.connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return unreachable(FailureKind::ConnectFailed, error.to_string()),
            Err(_) => return unreachable(FailureKind::Timeout, format!("{address} did not answer")),
        };
        Self::secure(stream, tls, log).await
    }

    /// Takes a stream that a peer has opened and reports the attempt.
    pub(crate) async fn accept(stream: BoxStream, peer: Address, tls: &Tls, log: Log) -> Result<Self, WireFailure> {
        log.emit(MtpHappening::Attempt { opener: Party::Peer, peer }).await;
        Self::secure(stream, tls, log).await
    }

    /// Reads once and appends what came to `into`; 0 is the end of the stream.
    pub(crate) async fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        let before = into.len();
        let count = read_some(&mut self.reader, into).await?;
        self.log.octets(Direction::Received, into.get(before..).unwrap_or_default()).await;
        Ok(count)
    }

    /// Writes everything.
    pub(crate) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.writer.write_all(octets).await?;
        self.writer.flush().await?;
        self.log.octets(Direction::Sent, octets).await;
        Ok(())
    }

    /// Ends the stream in order and reports it. What the peer still sends is logged, within limits.
    ///
    /// `peer_first` gives the peer the chance to end it first.
    pub(crate) async fn end(mut self, peer_first: bool) {
        let deadline = Instant::now() + DRAIN_WAIT;
        if peer_first && self.drain(deadline).await == Some(EndedBy::Peer) {
            // The outcome does not matter any more: the peer has gone.
            let _ = timeout(DRAIN_WAIT, self.writer.shutdown()).await;
            self.ended(EndedBy::Peer).await;
            return;
        }
        let _ = timeout(DRAIN_WAIT, self.writer.shutdown()).await;
        self.drain(Instant::now() + DRAIN_WAIT).await;
        self.ended(EndedBy::Us).await;
    }

    /// Breaks the stream as if the network had failed, and reports it.
    pub(crate) async fn break_off(self) {
        let log = self.log;
        let mut stream = self.reader.unsplit(self.writer);
        stream.break_on_drop();
        drop(stream);
        log.emit(MtpHappening::StreamEnded { by: EndedBy::Us }).await;
    }

    /// Reports that the stream has ended and lets go of it.
    pub(crate) async fn ended(self, by: EndedBy) {
        let log = self.log;
        drop(self.reader.unsplit(self.writer));
        log.emit(MtpHappening::StreamEnded { by }).await;
    }

    async fn secure(stream: BoxStream, tls: &Tls, log: Log) -> Result<Self, WireFailure> {
        let handshake = async {
            match tls {
                Tls::Off => Ok((stream, None)),
                Tls::Server(server) => server.accept(stream).await.map(|(stream, seen)| (stream, Some(seen))),
                Tls::Client(client) => client.connect(stream).await.map(|(stream, seen)| (stream, Some(seen))),
            }
        };
        let late = || Err(TlsFailure::new("the TLS handshake did not end in time"));
        match timeout(TLS_TIMEOUT, handshake).await.unwrap_or_else(|_| late()) {
            Ok((stream, seen)) => {
                let tls = seen.map(Box::new);
                if let Some(session) = &tls {
                    log.emit(MtpHappening::TlsEstablished(session.clone())).await;
                }
                let (reader, writer) = tokio::io::split(stream);
                Ok(Self { reader, writer, log, tls })
            }
            Err(failure) => Err(WireFailure::Tls(failure)),
        }
    }

    /// Reads and logs until the stream ends or a limit is reached.
    async fn drain(&mut self, deadline: Instant) -> Option<EndedBy> {
        let mut total = 0;
        let mut chunk = BytesMut::new();
        while total < DRAIN_OCTETS {
            chunk.clear();
            match timeout_at(deadline, self.read(&mut chunk)).await {
                Ok(Ok(0)) => return Some(EndedBy::Peer),
                Ok(Ok(count)) => total += count,
                Ok(Err(_)) => return Some(EndedBy::Broken),
                Err(_) => return None,
            }
        }
        None
    }
}

fn unreachable<T>(kind: FailureKind, text: String) -> Result<T, WireFailure> {
    Err(WireFailure::Unreachable(Failure::new(kind, text)))
}

/// Reads once, at most [`READ_CHUNK`] octets. Cancelling it loses nothing.
pub(crate) async fn read_some(reader: &mut ReadHalf<BoxStream>, into: &mut BytesMut) -> io::Result<usize> {
    into.reserve(READ_CHUNK);
    reader.read_buf(&mut into.limit(READ_CHUNK)).await
}
