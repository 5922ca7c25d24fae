//! TLS in front of a server, with a certificate that is made for the test.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// Takes TLS off what clients send, and passes it on to a server.
pub struct Tls {
    port: u16,
    files: TempDir,
    /// Its end closes all connections.
    _runtime: Runtime,
}

impl Tls {
    /// Starts on a free port of this machine, in front of a port of it, as a server with this name.
    pub fn start(server: u16, name: &str) -> Self {
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("ca.pem"), cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![cert.der().clone()], key).unwrap()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass_on(acceptor.clone(), client, server));
            }
        });
        Self { port, files, _runtime: runtime }
    }

    /// Returns the port that clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the file of the certificate that clients must trust.
    pub fn certificates(&self) -> PathBuf {
        self.files.path().join("ca.pem")
    }
}

/// A client that does not trust the certificate, and a server that is away, end a connection.
async fn pass_on(acceptor: TlsAcceptor, client: TcpStream, server: u16) {
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    drop(copy_bidirectional(&mut client, &mut server).await);
}
