//! A server with a store of its own, which can be killed and started again.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long a server may take to start, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(30);

/// A `nats-server` with JetStream.
pub struct Server {
    store: TempDir,
    port: u16,
    options: Vec<&'static str>,
    process: Option<Child>,
    /// Runs the client of the test.
    runtime: Runtime,
}

impl Server {
    /// Starts a server on a free port of this machine.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more options.
    pub fn start_with(options: &[&'static str]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut server =
            Self { store: tempfile::tempdir().unwrap(), port: 0, options: options.to_vec(), process: None, runtime };
        server.restart();
        server
    }

    /// Starts a server that has been killed, over the same store and on the same port.
    pub fn restart(&mut self) {
        let path = self.store.path();
        let ports = path.join("ports");
        std::fs::create_dir_all(&ports).unwrap();
        let port = if self.port == 0 { "-1".to_owned() } else { self.port.to_string() };
        let mut command = Command::new("nats-server");
        command.args(["--jetstream", "--addr", "127.0.0.1", "--port", &port, "--store_dir"]).arg(path.join("store"));
        command.args(&self.options).arg("--ports_file_dir").arg(&ports).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| {
            panic!("nats-server does not start ({error}): it is in the package nats-server of Debian")
        });
        let ports = ports.join(format!("nats-server_{}.ports", process.id()));
        self.process = Some(process);
        let give_up = Instant::now() + PATIENCE;
        while self.port == 0 || TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < give_up, "nats-server did not listen within {PATIENCE:?}");
            self.port = if self.port == 0 { port_in(&ports).unwrap_or(0) } else { self.port };
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts the server again if it has been killed.
    pub fn restart_if_killed(&mut self) {
        if self.process.is_none() {
            self.restart();
        }
    }

    /// Ends the server as a crash does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Copies the store of a server that has been killed.
    pub fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(&self.store.path().join("store"), &copy.path().join("store"));
        copy
    }

    /// Puts a copy in the place of the store.
    pub fn put_back(&self, copy: &TempDir) {
        let store = self.store.path().join("store");
        std::fs::remove_dir_all(&store).unwrap();
        copy_folder(&copy.path().join("store"), &store);
    }

    /// Returns the port, which stays the same.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a client that knows nothing of sources and sinks.
    pub fn with<T>(&self, run: impl AsyncFnOnce(Context) -> T) -> T {
        self.runtime.block_on(async {
            let client = async_nats::connect(format!("127.0.0.1:{}", self.port)).await.unwrap();
            run(jetstream::new(client)).await
        })
    }

    /// Creates a stream of these subjects.
    pub fn create(&self, config: Config) {
        self.with(async |context| drop(context.create_stream(config).await.unwrap()));
    }

    /// Publishes records to a subject, and waits until the server has them.
    pub fn publish(&self, subject: &str, records: &[String]) {
        self.with(async |context| self.publish_in(&context, subject, records).await);
    }

    /// Publishes through a client that there is.
    pub async fn publish_in(&self, context: &Context, subject: &str, records: &[String]) {
        for records in records.chunks(1_000) {
            let mut answers = Vec::new();
            for record in records {
                answers.push(context.publish(subject.to_owned(), record.clone().into()).await.unwrap());
            }
            for answer in answers {
                answer.await.unwrap();
            }
        }
    }

    /// Waits until a stream has so many messages.
    pub fn wait_for(&self, stream: &str, messages: u64) {
        let give_up = Instant::now() + PATIENCE;
        self.with(async |context| {
            let mut stream = context.get_stream(stream).await.unwrap();
            while stream.info().await.unwrap().state.messages < messages {
                assert!(Instant::now() < give_up, "{messages} messages did not come within {PATIENCE:?}");
            }
        });
    }

    /// Returns what is in a stream with this subject, in order.
    pub fn content(&self, stream: &str, subject: &str) -> Vec<String> {
        self.with(async |context| {
            let stream = context.get_stream(stream).await.unwrap();
            let mut found = Vec::new();
            let mut sequence = 1;
            let next = |sequence| stream.raw_message_builder().next_by_subject(subject).sequence(sequence).send();
            while let Ok(message) = next(sequence).await {
                found.push(String::from_utf8(message.payload.to_vec()).unwrap());
                sequence = message.sequence + 1;
            }
            found
        })
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (entry, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if entry.is_dir() {
            copy_folder(&entry, &to);
        } else {
            std::fs::copy(&entry, &to).unwrap();
        }
    }
}

fn port_in(file: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(file).ok()?;
    let address = text.split('"').find(|part| part.starts_with("nats://"))?;
    address.rsplit_once(':')?.1.parse().ok()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
