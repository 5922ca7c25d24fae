//! A socket that listens.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::endpoint::Endpoint;

/// A listening socket. That of a path is removed with it.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Socket,
    file: Option<SocketFile>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Listener {
    /// Listens at an endpoint that [`listens`](Endpoint::listens).
    pub(super) fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        match endpoint {
            Endpoint::ListenTcp { host, port } => {
                let listener = TcpListener::bind((host.as_str(), *port))?;
                listener.set_nonblocking(true)?;
                Ok(Self { socket: Socket::Tcp(listener), file: None })
            }
            Endpoint::ListenUnix { path } => Self::bind_unix(path),
            Endpoint::ConnectTcp { .. } | Endpoint::ConnectUnix { .. } => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn bind_unix(path: &Path) -> io::Result<Self> {
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        let inode = fs::symlink_metadata(path)?.ino();
        let file = SocketFile { path: path.to_owned(), inode };
        Ok(Self { socket: Socket::Unix(listener), file: Some(file) })
    }

    /// Returns the connection of a peer, if one waits.
    pub(super) fn accept(&self) -> io::Result<OwnedFd> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok(stream.into())
            }
            Socket::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok(stream.into())
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener) => listener.as_fd(),
        }
    }
}

/// Removes a socket that nothing listens on any more. Any other file stays, and binding fails.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    let is_refused = || UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if is_socket && is_refused() { fs::remove_file(path) } else { Ok(()) }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Some(SocketFile { path, inode }) = &self.file else { return };
        // Another process may have replaced it.
        if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.ino() == *inode) {
            let _ = fs::remove_file(path);
        }
    }
}
