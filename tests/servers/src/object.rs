//! Object stores with the interface of S3: moto, which keeps the conditions of writes, and s3rver, which ignores them.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The only bucket of each server.
pub const BUCKET: &str = "checkpoints";

/// An object store in a process of its own.
pub struct ObjectStore {
    process: Child,
    port: u16,
    keys: &'static str,
    _files: Option<TempDir>,
}

/// Where `make object-servers` installs the servers.
fn installed() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let mut folders = program.ancestors().map(|folder| folder.join("object-servers"));
    let found = folders.find(|folder| folder.join(".installed").is_file());
    found.unwrap_or_else(|| panic!("no object-servers above {}: make object-servers", program.display()))
}

impl ObjectStore {
    /// Starts moto on a free port, with an empty bucket. It is `None` where moto could not be installed, which is said.
    #[allow(clippy::explicit_write, reason = "unlike what the macros print, this is shown for a test that passes")]
    pub fn moto() -> Option<Self> {
        let folder = installed();
        if let Ok(why) = std::fs::read_to_string(folder.join("skipped")) {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            writeln!(std::io::stderr(), "SKIPPED: {test}: {why}").unwrap();
            return None;
        }
        let mut command = Command::new(folder.join("moto/bin/python3"));
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/object/serve.py"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("moto does not start: {error}"));
        let port = port(BufReader::new(process.stderr.take().unwrap()));
        let server = Self { process, port, keys: "test", _files: None };
        server.create_bucket();
        Some(server)
    }

    /// Starts s3rver on a free port, with an empty bucket.
    pub fn s3rver() -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut command = Command::new("node");
        command.arg(installed().join("node_modules/s3rver/bin/s3rver.js")).arg("-d").arg(files.path());
        command.args(["-a", "127.0.0.1", "-p", "0", "--configure-bucket", BUCKET]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("node does not start: {error}"));
        let port = port(BufReader::new(process.stdout.take().unwrap()));
        Self { process, port, keys: "S3RVER", _files: Some(files) }
    }

    fn create_bucket(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = format!("http://127.0.0.1:{}/{BUCKET}", self.port);
        let status = runtime.block_on(async { crate::http::client().put(url).send().await.unwrap().status() });
        assert!(status.is_success(), "the bucket was not created: {status}");
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the variables of the environment by which a client finds the server.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment_at(self.port)
    }

    /// Returns the variables for a client that reaches the server through another port.
    pub fn environment_at(&self, port: u16) -> Vec<(String, String)> {
        let pairs = [
            ("AWS_ENDPOINT", format!("http://127.0.0.1:{port}")),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", self.keys.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", self.keys.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

/// Reads the port that a server says it listens on.
fn port(output: impl BufRead + Send + 'static) -> u16 {
    let mut lines = output.lines().map_while(Result::ok);
    let of_line = |line: String| {
        let (_, rest) = line.rsplit_once("127.0.0.1:")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let port = lines.find_map(of_line).expect("the server says its port");
    // What else it says must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    port
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        let _ = (self.process.kill(), self.process.wait());
    }
}
