//! Sources and sinks of NATS JetStream over a real server. It is `nats-server` of Debian.
#![cfg(feature = "nats")]

#[path = "../in_job/mod.rs"]
mod in_job;
mod kills;
mod refusals;
mod retention;
mod sink;
mod source;

use alluvium_connectors::NatsServer;
use alluvium_test_servers::nats::Server;

/// Where a server is, for a source or a sink.
fn address(server: &Server) -> NatsServer {
    NatsServer::new("127.0.0.1", server.port())
}
