//! Streams of servers.

use std::ffi::OsString;
use std::rc::Rc;

use async_nats::jetstream::stream::Config;
use fastrand::Rng;

use super::Input;
use crate::Outcome;
use crate::cells::Change;
use crate::life::Life;
use crate::records::Record;
use crate::servers::{Servers, lose};

/// A stream of JetStream.
pub(super) struct JetStream {
    servers: Rc<Servers>,
    name: String,
    interruptions: u64,
    cuts_before: u64,
}

fn config(name: &str) -> Config {
    Config { name: name.to_owned(), subjects: vec![format!("{name}.>")], ..Config::default() }
}

impl JetStream {
    pub(super) fn new(servers: &Rc<Servers>) -> Self {
        let (server, proxy) = servers.nats();
        let name = format!("IN{}", servers.number());
        server.borrow().create(config(&name));
        Self { servers: Rc::clone(servers), name, interruptions: 0, cuts_before: proxy.cuts() }
    }

    fn delete(&self) {
        let server = self.servers.nats().0.borrow();
        server.with(async |context| drop(context.delete_stream(&self.name).await));
    }
}

impl Input for JetStream {
    fn arguments(&self, _consumed: Option<u64>) -> Vec<OsString> {
        let port = self.servers.nats().1.port();
        vec!["--input".into(), format!("nats://127.0.0.1:{port}/{}", self.name).into()]
    }

    fn add(&mut self, records: &[Record]) -> Outcome {
        let records: Vec<String> = records.iter().map(Record::json).collect();
        self.servers.nats().0.borrow().publish(&format!("{}.x", self.name), &records);
        Ok(())
    }

    fn change(&mut self, change: Change, _life: Option<&mut Life>, random: &mut Rng) -> Outcome {
        let (server, proxy) = self.servers.nats();
        match change {
            Change::ServerRestarted => {
                server.borrow_mut().kill();
                server.borrow_mut().restart();
                self.interruptions += 1;
            }
            Change::ConnectionLost => lose(proxy, 4_000, random),
            Change::Replaced => {
                self.delete();
                server.borrow().create(config(&self.name));
                self.interruptions += 1;
            }
            _ => return Err(format!("JetStream knows no {change:?}")),
        }
        Ok(())
    }

    fn interruptions(&self) -> u64 {
        self.interruptions + self.servers.nats().1.cuts() - self.cuts_before
    }
}

impl Drop for JetStream {
    fn drop(&mut self) {
        self.servers.nats().0.borrow_mut().restart_if_killed();
        self.delete();
    }
}

/// A Durable Stream, of JSON or of lines.
pub(super) struct DurableStream {
    servers: Rc<Servers>,
    name: String,
    content_type: &'static str,
    interruptions: u64,
    cuts_before: u64,
}

impl DurableStream {
    pub(super) fn new(servers: &Rc<Servers>, is_json: bool) -> Self {
        let (server, proxy) = servers.streams();
        let name = format!("in{}", servers.number());
        let content_type = if is_json { "application/json" } else { "text/plain" };
        server.borrow().create(&name, content_type);
        Self { servers: Rc::clone(servers), name, content_type, interruptions: 0, cuts_before: proxy.cuts() }
    }
}

impl Input for DurableStream {
    fn arguments(&self, _consumed: Option<u64>) -> Vec<OsString> {
        let port = self.servers.streams().1.port();
        vec!["--input".into(), format!("durable-stream+http://127.0.0.1:{port}/{}", self.name).into()]
    }

    fn add(&mut self, records: &[Record]) -> Outcome {
        let records: Vec<String> = records.iter().map(Record::json).collect();
        let body = match self.content_type {
            "application/json" => format!("[{}]", records.join(",")),
            _ => records.join("\n") + "\n",
        };
        self.servers.streams().0.borrow().append(&self.name, self.content_type, body);
        Ok(())
    }

    fn change(&mut self, change: Change, _life: Option<&mut Life>, random: &mut Rng) -> Outcome {
        let (server, proxy) = self.servers.streams();
        match change {
            Change::ServerRestarted => {
                server.borrow_mut().kill();
                server.borrow_mut().restart();
                self.interruptions += 1;
            }
            Change::ConnectionLost => lose(proxy, 4_000, random),
            Change::Replaced => {
                server.borrow().delete(&self.name);
                server.borrow().create(&self.name, self.content_type);
                self.interruptions += 1;
            }
            _ => return Err(format!("a Durable Stream knows no {change:?}")),
        }
        Ok(())
    }

    fn interruptions(&self) -> u64 {
        self.interruptions + self.servers.streams().1.cuts() - self.cuts_before
    }

    fn finish(&mut self) -> Outcome<bool> {
        self.servers.streams().0.borrow().close(&self.name);
        Ok(true)
    }
}

impl Drop for DurableStream {
    fn drop(&mut self) {
        let mut server = self.servers.streams().0.borrow_mut();
        server.restart_if_killed();
        server.delete(&self.name);
    }
}

/// Server-sent events, whose server keeps them.
pub(super) struct ServerSentEvents {
    servers: Rc<Servers>,
    name: String,
    interruptions: u64,
    cuts_before: u64,
}

impl ServerSentEvents {
    pub(super) fn new(servers: &Rc<Servers>) -> Self {
        let (server, proxy) = servers.events();
        let name = format!("in{}", servers.number());
        server.append(&name, &[]);
        Self { servers: Rc::clone(servers), name, interruptions: 0, cuts_before: proxy.cuts() }
    }
}

impl Input for ServerSentEvents {
    fn arguments(&self, _consumed: Option<u64>) -> Vec<OsString> {
        let port = self.servers.events().1.port();
        vec!["--input".into(), format!("sse+http://127.0.0.1:{port}/{}", self.name).into()]
    }

    fn add(&mut self, records: &[Record]) -> Outcome {
        let records: Vec<String> = records.iter().map(Record::json).collect();
        self.servers.events().0.append(&self.name, &records);
        Ok(())
    }

    fn change(&mut self, change: Change, life: Option<&mut Life>, random: &mut Rng) -> Outcome {
        let (server, proxy) = self.servers.events();
        match change {
            Change::ServerRestarted => {
                proxy.close();
                self.interruptions += u64::from(life.is_none());
                proxy.open();
            }
            Change::ConnectionLost => lose(proxy, 4_000, random),
            Change::Replaced => {
                server.replace(&self.name, &[]);
                self.interruptions += 1;
            }
            _ => return Err(format!("events know no {change:?}")),
        }
        Ok(())
    }

    fn interruptions(&self) -> u64 {
        self.interruptions + self.servers.events().1.cuts() - self.cuts_before
    }
}

impl Drop for ServerSentEvents {
    fn drop(&mut self) {
        self.servers.events().0.replace(&self.name, &[]);
    }
}
