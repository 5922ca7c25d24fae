//! Streams of servers, and targets of requests.

use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;

use async_nats::jetstream::stream::Config;
use fastrand::Rng;

use super::Output;
use crate::Outcome;
use crate::cells::Change;
use crate::life::Life;
use crate::servers::{Servers, lose};

/// Returns the option of an address that ends with the directory in which records wait.
fn output(address: &str, waiting: &std::path::Path) -> Vec<OsString> {
    vec!["--output".into(), format!("{address}waiting={}", waiting.display()).into()]
}

/// A stream of JetStream.
pub(super) struct JetStream {
    servers: Rc<Servers>,
    name: String,
    waiting: PathBuf,
    interruptions: u64,
    cuts_before: u64,
}

impl JetStream {
    pub(super) fn new(servers: &Rc<Servers>, waiting: PathBuf) -> Self {
        let (_, proxy) = servers.nats();
        let name = format!("OUT{}", servers.number());
        let created = Self { servers: Rc::clone(servers), name, waiting, interruptions: 0, cuts_before: proxy.cuts() };
        created.create();
        created
    }

    fn create(&self) {
        let (name, subjects) = (self.name.clone(), vec![format!("{}.>", self.name)]);
        self.servers.nats().0.borrow().create(Config { name, subjects, ..Config::default() });
    }

    fn delete(&self) {
        let server = self.servers.nats().0.borrow();
        server.with(async |context| drop(context.delete_stream(&self.name).await));
    }

    fn subject(&self) -> String {
        format!("{}.x", self.name)
    }
}

impl Output for JetStream {
    fn arguments(&self) -> Vec<OsString> {
        let port = self.servers.nats().1.port();
        output(&format!("nats://127.0.0.1:{port}/{}?subject={}&", self.name, self.subject()), &self.waiting)
    }

    fn lines(&self) -> Outcome<Vec<String>> {
        Ok(self.servers.nats().0.borrow().content(&self.name, &self.subject()))
    }

    fn change(&mut self, change: Change, _life: Option<&mut Life>, random: &mut Rng) -> Outcome {
        let (server, proxy) = self.servers.nats();
        match change {
            Change::ServerRestarted => {
                server.borrow_mut().kill();
                server.borrow_mut().restart();
            }
            Change::ConnectionLost => {
                lose(proxy, 200, random);
                return Ok(());
            }
            Change::Replaced => {
                self.delete();
                self.create();
            }
            Change::Grown => server.borrow().publish(&self.subject(), &["another".to_owned()]),
            _ => return Err(format!("JetStream knows no {change:?}")),
        }
        self.interruptions += 1;
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

/// A target of requests, which honours keys.
pub(super) struct Http {
    servers: Rc<Servers>,
    name: String,
    waiting: PathBuf,
    interruptions: u64,
    cuts_before: u64,
}

impl Http {
    pub(super) fn new(servers: &Rc<Servers>, waiting: PathBuf) -> Self {
        let name = format!("out{}", servers.number());
        let cuts_before = servers.target().1.cuts();
        Self { servers: Rc::clone(servers), name, waiting, interruptions: 0, cuts_before }
    }
}

impl Output for Http {
    fn arguments(&self) -> Vec<OsString> {
        let port = self.servers.target().1.port();
        output(&format!("http://127.0.0.1:{port}/{}?key=honoured&", self.name), &self.waiting)
    }

    fn lines(&self) -> Outcome<Vec<String>> {
        Ok(self.servers.target().0.lines(&self.name))
    }

    fn change(&mut self, change: Change, _life: Option<&mut Life>, random: &mut Rng) -> Outcome {
        let (_, proxy) = self.servers.target();
        match change {
            Change::ServerRestarted => {
                // No connection comes through in between.
                proxy.close();
                proxy.open();
                self.interruptions += 1;
            }
            Change::ConnectionLost => lose(proxy, 200, random),
            _ => return Err(format!("a target knows no {change:?}")),
        }
        Ok(())
    }

    fn interruptions(&self) -> u64 {
        self.interruptions + self.servers.target().1.cuts() - self.cuts_before
    }
}

/// A Durable Stream, of JSON or of lines.
pub(super) struct DurableStream {
    servers: Rc<Servers>,
    name: String,
    content_type: &'static str,
    waiting: PathBuf,
    interruptions: u64,
    cuts_before: u64,
}

impl DurableStream {
    pub(super) fn new(servers: &Rc<Servers>, waiting: PathBuf, is_json: bool) -> Self {
        let (server, proxy) = servers.streams();
        let name = format!("out{}", servers.number());
        let content_type = if is_json { "application/json" } else { "text/plain" };
        server.borrow().create(&name, content_type);
        let cuts_before = proxy.cuts();
        Self { servers: Rc::clone(servers), name, content_type, waiting, interruptions: 0, cuts_before }
    }
}

impl Output for DurableStream {
    fn arguments(&self) -> Vec<OsString> {
        let port = self.servers.streams().1.port();
        output(&format!("durable-stream+http://127.0.0.1:{port}/{}?", self.name), &self.waiting)
    }

    fn lines(&self) -> Outcome<Vec<String>> {
        let text = self.servers.streams().0.borrow().content(&self.name);
        if self.content_type == "text/plain" {
            return Ok(text.lines().map(str::to_owned).collect());
        }
        let values: Vec<serde_json::Value> =
            serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?;
        Ok(values.iter().map(ToString::to_string).collect())
    }

    fn change(&mut self, change: Change, _life: Option<&mut Life>, random: &mut Rng) -> Outcome {
        let (server, proxy) = self.servers.streams();
        match change {
            Change::ServerRestarted => {
                server.borrow_mut().kill();
                server.borrow_mut().restart();
                self.interruptions += 1;
            }
            Change::ConnectionLost => lose(proxy, 200, random),
            _ => return Err(format!("a Durable Stream knows no {change:?}")),
        }
        Ok(())
    }

    fn interruptions(&self) -> u64 {
        self.interruptions + self.servers.streams().1.cuts() - self.cuts_before
    }
}

impl Drop for DurableStream {
    fn drop(&mut self) {
        let mut server = self.servers.streams().0.borrow_mut();
        server.restart_if_killed();
        server.delete(&self.name);
    }
}
