//! UNIX domain sockets of the operating system (SOCK_STREAM, R-UDS.4).
//!
//! A socket's file outlives the process that made it, so that a file alone says nothing: whether somebody listens is asked by connecting.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use tokio::net::{UnixListener, UnixStream};

use super::{Address, BoxStream, ByteStream, Listener, NetworkError};

/// Listens at `path`, in place of a socket file at which nobody listens any more.
pub(super) async fn listen(path: &str) -> Result<Box<dyn Listener>, NetworkError> {
    let address = Address::unix(path);
    let from_io = |source| NetworkError::from_io(&address, source);
    let path = checked(path).map_err(from_io)?;
    let inner = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            clear(path).await.map_err(from_io)?;
            UnixListener::bind(path)
        }
        bound => bound,
    };
    let inner = inner.map_err(from_io)?;
    let file = SocketFile::of(path).map_err(from_io)?;
    Ok(Box::new(RealUnixListener { inner, address, _file: file }))
}

/// Connects to whoever listens at `path`.
pub(super) async fn connect(path: &str) -> Result<BoxStream, NetworkError> {
    let address = Address::unix(path);
    let from_io = |source| NetworkError::from_io(&address, source);
    let path = checked(path).map_err(from_io)?;
    match UnixStream::connect(path).await {
        Ok(stream) => Ok(Box::new(stream)),
        // The listener's queue is full: a UNIX domain socket says so at once in place of letting the caller wait.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(NetworkError::Refused { address }),
        Err(error) => Err(from_io(error)),
    }
}

/// Refuses what cannot be a socket's path: an empty one, and one longer than the operating system has room for.
fn checked(path: &str) -> io::Result<&Path> {
    let wrong = |text: String| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    if path.is_empty() {
        return wrong("the path of a UNIX domain socket is empty".to_owned());
    }
    if SocketAddr::from_pathname(path).is_err() {
        let octets = path.len();
        return wrong(format!(
            "these {octets} octets are no path of a UNIX domain socket: it has about 100 at most, none of them zero"
        ));
    }
    Ok(Path::new(path))
}

/// Removes the file that is in the way, if it is a socket and nobody answers at it.
async fn clear(path: &Path) -> io::Result<()> {
    let before = fs::symlink_metadata(path)?;
    if !before.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file already, and it is no socket"));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
        // Somebody listens, has a full queue, or uses another kind of socket.
        _ => return Err(io::ErrorKind::AddrInUse.into()),
    }
    // Between the two looks somebody else may have cleared it and listen there now.
    if Identity::of(&fs::symlink_metadata(path)?) != Identity::of(&before) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    fs::remove_file(path)
}

/// A listening socket with its file.
struct RealUnixListener {
    inner: UnixListener,
    address: Address,
    _file: SocketFile,
}

impl Listener for RealUnixListener {
    fn address(&self) -> Address {
        self.address.clone()
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<(BoxStream, Address)>> {
        Box::pin(async move {
            let (stream, _) = self.inner.accept().await?;
            // A client's socket has no name: what is known of the peer is where it came in.
            Ok((Box::new(stream) as BoxStream, self.address.clone()))
        })
    }
}

/// The file of a listening socket, removed with the listener.
struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: Identity::of(&fs::symlink_metadata(path)?) })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever has put a file of their own there since keeps it.
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|found| Identity::of(&found) == self.identity);
        if ours {
            // A file that cannot be removed is stale from now on, which the next listener can deal with.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Which file it is. Numbers of files are used again at once, so that its time counts too; of a socket it never changes.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
    modified: (i64, i64),
}

impl Identity {
    fn of(file: &Metadata) -> Self {
        Self { device: file.dev(), number: file.ino(), modified: (file.mtime(), file.mtime_nsec()) }
    }
}

impl ByteStream for UnixStream {
    fn break_on_drop(&mut self) {
        // Nothing to arrange: a UNIX domain socket knows no reset that could be asked for. When it is dropped, the peer still reads what
        // was written before. Behind it, it reads the end of the stream, or "connection reset" if it had sent octets that were never read
        // here; what it writes from then on fails with "broken pipe".
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn place() -> (TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = at(&folder, "usp.sock");
        (folder, path)
    }

    fn at(folder: &TempDir, name: &str) -> String {
        folder.path().join(name).to_str().unwrap().to_owned()
    }

    async fn refusal(path: &str) -> NetworkError {
        listen(path).await.err().expect("refused")
    }

    #[tokio::test]
    async fn carries_octets_both_ways() {
        let (_folder, path) = place();
        let mut listener = listen(&path).await.unwrap();
        let mut client = connect(&path).await.unwrap();
        let (mut server, peer) = listener.accept().await.unwrap();
        assert_eq!((&peer, &listener.address()), (&Address::unix(&*path), &Address::unix(&*path)));
        client.write_all(b"ping").await.unwrap();
        let mut got = [0; 4];
        server.read_exact(&mut got).await.unwrap();
        server.write_all(&got).await.unwrap();
        client.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"ping");
        drop(server);
        assert_eq!(client.read(&mut got).await.unwrap(), 0, "the end of the stream");
    }

    #[tokio::test]
    async fn what_was_never_read_resets_the_stream() {
        let (_folder, path) = place();
        let mut listener = listen(&path).await.unwrap();
        let mut client = connect(&path).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(b"unread").await.unwrap();
        server.break_on_drop();
        drop(server);
        assert_eq!(client.read(&mut [0; 4]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(client.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test]
    async fn a_live_socket_is_in_use_and_its_file_goes_with_it() {
        let (_folder, path) = place();
        let first = listen(&path).await.unwrap();
        assert!(matches!(refusal(&path).await, NetworkError::InUse { .. }));
        drop(first);
        assert!(!Path::new(&path).exists());
        assert!(connect(&path).await.is_err());
        listen(&path).await.unwrap();
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced() {
        let (_folder, path) = place();
        drop(UnixListener::bind(&path).unwrap());
        assert!(Path::new(&path).exists(), "tokio leaves the file");
        assert!(matches!(connect(&path).await.err(), Some(NetworkError::Refused { .. })));
        let _listener = listen(&path).await.unwrap();
        connect(&path).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_stream_socket_stays() {
        let (folder, path) = place();
        fs::write(&path, "precious").unwrap();
        assert!(refusal(&path).await.to_string().contains("no socket"));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        let link = at(&folder, "link");
        std::os::unix::fs::symlink(at(&folder, "nowhere"), &link).unwrap();
        assert!(refusal(&link).await.to_string().contains("no socket"));
        let other = at(&folder, "datagrams");
        let _datagrams = UnixDatagram::bind(&other).unwrap();
        assert!(matches!(refusal(&other).await, NetworkError::InUse { .. }));
    }

    #[tokio::test]
    async fn paths_that_cannot_be_are_told() {
        let (folder, _) = place();
        for path in [at(&folder, &"x".repeat(200)), at(&folder, "\0")] {
            let text = refusal(&path).await.to_string();
            assert!(text.contains("no path of a UNIX domain socket"), "{text}");
            assert!(connect(&path).await.is_err());
        }
        assert!(refusal("").await.to_string().contains("empty"));
        assert!(listen(&at(&folder, "missing/usp.sock")).await.is_err());
        assert!(connect(&at(&folder, "nobody")).await.is_err());
    }

    #[tokio::test]
    async fn somebody_elses_file_stays() {
        let (_folder, path) = place();
        let ours = listen(&path).await.unwrap();
        fs::remove_file(&path).unwrap();
        let theirs = listen(&path).await.unwrap();
        drop(ours);
        assert!(Path::new(&path).exists());
        connect(&path).await.unwrap();
        drop(theirs);
        assert!(!Path::new(&path).exists());
    }
}
