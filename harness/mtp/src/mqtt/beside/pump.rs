//! Octets between the broker and rumqttc, and the packets in them.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::session::Session;
use crate::event::Direction;
use crate::mqtt::PACKET_EXTRA;
use crate::mqtt::packet::Decoder;
use crate::network::BoxStream;
use crate::wire::{READ_CHUNK, read_some};

impl Session<'_> {
    /// Brings what the broker sends to rumqttc, until the stream ends.
    pub(super) async fn pump_in(&self, reader: &mut ReadHalf<BoxStream>, local: &mut OwnedWriteHalf) -> io::Result<()> {
        let mut decoder = self.decoder();
        let mut chunk = BytesMut::new();
        loop {
            chunk.clear();
            if read_some(reader, &mut chunk).await? == 0 {
                return Ok(());
            }
            self.log().octets(Direction::Received, &chunk).await;
            decoder.buffer().extend_from_slice(&chunk);
            while let Some(decoded) = decoder.next_packet().map_err(|wrong| io::Error::other(wrong.violation.text))? {
                self.on_received(decoded).await;
            }
            local.write_all(&chunk).await?;
        }
    }

    /// Brings what rumqttc sends to the broker, until it has said farewell.
    pub(super) async fn pump_out(
        &self,
        local: &mut OwnedReadHalf,
        writer: &mut WriteHalf<BoxStream>,
    ) -> io::Result<()> {
        let mut decoder = self.decoder();
        let mut chunk = BytesMut::with_capacity(READ_CHUNK);
        loop {
            chunk.clear();
            if local.read_buf(&mut chunk).await? == 0 {
                return Err(io::Error::other("the client has hung up"));
            }
            writer.write_all(&chunk).await?;
            writer.flush().await?;
            self.log().octets(Direction::Sent, &chunk).await;
            decoder.buffer().extend_from_slice(&chunk);
            while let Some(decoded) = decoder.next_packet().map_err(|wrong| io::Error::other(wrong.violation.text))? {
                if self.on_sent(decoded).await {
                    return Ok(());
                }
            }
        }
    }

    fn decoder(&self) -> Decoder {
        Decoder::new(self.config.max_record.saturating_add(PACKET_EXTRA), self.config.version)
    }
}
