//! Streams that are read over HTTP.

mod durable_stream;
mod follow;
mod reader;
mod sse;

pub use durable_stream::{DurableStreamOptions, DurableStreamSource};
pub use sse::{SseOptions, SseSource, WithoutId};

use std::io;
use std::sync::Arc;

use self::follow::Follow;
use self::reader::HttpReader;
use super::{Identity, Partition, Reader, SourceError, SourceErrorKind as Kind};
use crate::http::{Connection, HttpEndpoint, Redirects};

/// A resource that is read as one partition, and the client of all its readers.
#[derive(Debug)]
struct Resource {
    identity: Identity,
    endpoint: HttpEndpoint,
    connection: Option<Arc<Connection>>,
}

impl Resource {
    fn new(kind: &'static str, endpoint: HttpEndpoint) -> Self {
        Self { identity: Identity::new(kind, endpoint.to_string()), endpoint, connection: None }
    }

    fn connection(&mut self) -> io::Result<Arc<Connection>> {
        if let Some(connection) = &self.connection {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(Connection::new(self.endpoint.clone(), Redirects::Follow)?);
        Ok(Arc::clone(self.connection.insert(connection)))
    }

    /// Opens a reader of what `feed` gets with the client.
    fn open<F: Follow>(
        &mut self,
        partition: &Partition,
        feed: impl FnOnce(&Connection, String) -> F,
    ) -> Result<Box<dyn Reader>, SourceError> {
        if !partition.is_whole() {
            let what = format!("has no partition {:?}", partition.name());
            return Err(SourceError::new(Kind::Open, self.identity.name(), what));
        }
        let connection = self.connection();
        let connection = connection.map_err(|error| SourceError::io(Kind::Open, self.identity.name(), error))?;
        let feed = feed(&connection, self.identity.name().to_owned());
        Ok(Box::new(HttpReader::new(connection, feed)))
    }
}
