//! The secrets of TLS sessions, for those who read a capture of the network.

use std::fmt;
use std::sync::Arc;

/// Takes the lines of an NSS key log, each without its line end, as Wireshark reads them.
///
/// It is called from the task that runs the handshake and must not block for long. Whoever has these lines can read the connections
/// that they belong to: they are written only where a person asked for them.
#[derive(Clone)]
pub struct KeyLogSink(Arc<dyn Fn(&str) + Send + Sync>);

impl KeyLogSink {
    /// Wraps the function that takes a line.
    pub fn new(take: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

impl fmt::Debug for KeyLogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLogSink")
    }
}

impl rustls::KeyLog for KeyLogSink {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        (self.0)(&format!("{label} {} {}", hex::encode(client_random), hex::encode(secret)));
    }
}
