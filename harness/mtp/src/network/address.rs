//! Where an end listens or connects to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a socket file's path begins with in writing.
const UNIX: &str = "unix:";

/// Where an end listens or connects to. Written `host:port`, an IPv6 host in brackets, or `unix:/path/of/the/socket`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// A TCP port of a host.
    Tcp {
        /// A name or an IP address, the latter without brackets.
        host: String,
        /// 0 asks for any free port when listening.
        port: u16,
    },
    /// A UNIX domain socket.
    Unix {
        /// The path of its file.
        path: String,
    },
}

impl Address {
    /// The UNIX domain socket at `path`.
    pub fn unix(path: impl Into<String>) -> Self {
        Self::Unix { path: path.into() }
    }

    /// The TCP port `port` of `host`.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::Tcp { host: host.into(), port }
    }

    /// The host's name or IP address, without brackets; `localhost` for a UNIX domain socket, which leaves the machine never.
    pub fn host(&self) -> &str {
        match self {
            Self::Tcp { host, .. } => host,
            Self::Unix { .. } => "localhost",
        }
    }

    /// The port; 0 for a UNIX domain socket, which has none.
    pub fn port(&self) -> u16 {
        match self {
            Self::Tcp { port, .. } => *port,
            Self::Unix { .. } => 0,
        }
    }

    /// The path of a UNIX domain socket.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Tcp { .. } => None,
            Self::Unix { path } => Some(path),
        }
    }

    /// The same host with another port; a UNIX domain socket as it is.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        match self {
            Self::Tcp { host, .. } => Self::tcp(host.clone(), port),
            Self::Unix { .. } => self.clone(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { path } => write!(f, "{UNIX}{path}"),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError { text: text.to_owned() };
        if let Some(path) = text.strip_prefix(UNIX) {
            return if path.is_empty() { Err(wrong()) } else { Ok(Self::unix(path)) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
            None if host.contains(':') => return Err(wrong()),
            None => host,
        };
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self::tcp(host, port))
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl From<std::net::SocketAddr> for Address {
    fn from(address: std::net::SocketAddr) -> Self {
        Self::tcp(address.ip().to_string(), address.port())
    }
}

/// A text that is not `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not an address; write host:port, an IPv6 host in brackets")]
pub struct AddressError {
    /// The text as given.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("127.0.0.1:80", "127.0.0.1", 80)]
    #[case("cpe.example:65535", "cpe.example", 65535)]
    #[case("[::1]:5683", "::1", 5683)]
    fn reads_and_writes(#[case] text: &str, #[case] host: &str, #[case] port: u16) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address, Address::tcp(host, port));
        assert_eq!(address.to_string(), text);
    }

    #[rstest]
    #[case("")]
    #[case("localhost")]
    #[case(":80")]
    #[case("localhost:65536")]
    #[case("::1:80")]
    #[case("[::1:80")]
    fn refuses(#[case] text: &str) {
        assert!(text.parse::<Address>().is_err(), "{text}");
    }
}
