//! A connection that callers without a runtime use.

use std::future::Future;
use std::io;
use std::sync::Arc;

use async_nats::jetstream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::NatsServer;
use crate::background::Background;
use crate::trouble::Trouble;

/// A connection, and the thread that it lives on.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    background: Background,
}

/// What tasks have of a connection.
#[derive(Debug)]
pub(crate) struct Shared {
    server: NatsServer,
    client: tokio::sync::Mutex<Option<async_nats::Client>>,
    /// How often a connection was lost.
    losses: watch::Sender<u64>,
}

impl Connection {
    /// Returns a connection that is made when it is needed.
    pub(crate) fn new(server: NatsServer) -> io::Result<Self> {
        let background = Background::new("alluvium-nats")?;
        let shared = Arc::new(Shared { server, client: tokio::sync::Mutex::new(None), losses: watch::Sender::new(0) });
        Ok(Self { shared, background })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Runs a task beside the caller.
    pub(crate) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.background.spawn(task)
    }

    /// Waits for a task, which ends by itself.
    pub(crate) fn wait<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> T {
        self.background.wait(task)
    }
}

/// A connection for as long as it lasts.
pub(crate) struct Link(watch::Receiver<u64>);

impl Link {
    /// Waits until the connection is lost.
    pub(crate) async fn lost(&mut self) -> Trouble {
        // Without a sender there is no connection either.
        let _ = self.0.changed().await;
        Trouble::Lost("the connection was lost".to_owned())
    }
}

impl Shared {
    pub(crate) fn server(&self) -> &NatsServer {
        &self.server
    }

    /// Returns the connection, which is made first if there is none.
    pub(crate) async fn jetstream(&self) -> Result<jetstream::Context, Trouble> {
        Ok(jetstream::new(self.client().await?))
    }

    async fn client(&self) -> Result<async_nats::Client, Trouble> {
        let mut client = self.client.lock().await;
        match &*client {
            Some(client) => Ok(client.clone()),
            None => Ok(client.insert(self.server.connect(&self.losses).await?).clone()),
        }
    }

    /// Returns the connection that there is now.
    pub(crate) fn link(&self) -> Link {
        Link(self.losses.subscribe())
    }

    /// Returns how many bytes the server takes at a time.
    pub(crate) async fn message_bytes_max(&self) -> usize {
        self.client.lock().await.as_ref().map_or(0, async_nats::Client::max_payload)
    }

    /// Returns a stream, with what the server says about it now.
    pub(crate) async fn stream(&self, name: &str) -> Result<jetstream::stream::Stream, Trouble> {
        let context = self.jetstream().await?;
        context.get_stream(name).await.map_err(|error| Trouble::of_stream(name, &error))
    }
}

/// A time as nanoseconds since 1970. The server keeps times in 64 bits.
pub(crate) fn nanoseconds(time: async_nats::datetime::DateTime) -> u64 {
    u64::try_from(time.unix_timestamp_nanos()).unwrap_or(0)
}
