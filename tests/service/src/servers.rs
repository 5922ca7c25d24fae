//! The servers of one worker. Each is started when it is needed first, and is there until the worker ends.

use std::cell::{Cell, OnceCell, RefCell};

use alluvium_test_servers::durable_streams::Streams;
use alluvium_test_servers::events::Events;
use alluvium_test_servers::nats;
use alluvium_test_servers::proxy::Proxy;
use alluvium_test_servers::target::Target;

/// The servers, each behind a proxy that can be cut.
#[derive(Default)]
pub struct Servers {
    nats: OnceCell<(RefCell<nats::Server>, Proxy)>,
    streams: OnceCell<(RefCell<Streams>, Proxy)>,
    events: OnceCell<(Events, Proxy)>,
    target: OnceCell<(Target, Proxy)>,
    names: Cell<u32>,
}

impl Servers {
    /// Returns a number that no stream of these servers has yet.
    pub fn number(&self) -> u32 {
        self.names.set(self.names.get() + 1);
        self.names.get()
    }

    /// Forgets the connections that were to be lost.
    pub fn calm(&self) {
        let nats = self.nats.get().map(|(_, proxy)| proxy);
        let streams = self.streams.get().map(|(_, proxy)| proxy);
        let events = self.events.get().map(|(_, proxy)| proxy);
        let target = self.target.get().map(|(_, proxy)| proxy);
        for proxy in [nats, streams, events, target].into_iter().flatten() {
            proxy.cut_answers_after(usize::MAX);
        }
    }

    /// NATS with JetStream.
    pub fn nats(&self) -> &(RefCell<nats::Server>, Proxy) {
        self.nats.get_or_init(|| {
            let server = nats::Server::start();
            let proxy = Proxy::start(server.port());
            (RefCell::new(server), proxy)
        })
    }

    /// Durable Streams.
    pub fn streams(&self) -> &(RefCell<Streams>, Proxy) {
        self.streams.get_or_init(|| {
            let server = Streams::start();
            let proxy = Proxy::start(server.port());
            (RefCell::new(server), proxy)
        })
    }

    /// Server-sent events.
    pub fn events(&self) -> &(Events, Proxy) {
        self.events.get_or_init(|| {
            let server = Events::start();
            let proxy = Proxy::start(server.port());
            (server, proxy)
        })
    }

    /// A target of requests, which honours their keys.
    pub fn target(&self) -> &(Target, Proxy) {
        self.target.get_or_init(|| {
            let server = Target::start(true);
            let proxy = Proxy::start(server.port());
            (server, proxy)
        })
    }
}

/// Loses the connections of a proxy: those that there are, or the next one within so many bytes of answers.
pub fn lose(proxy: &Proxy, bytes: usize, random: &mut fastrand::Rng) {
    let before = proxy.cuts();
    if random.bool() {
        proxy.cut();
    }
    if proxy.cuts() == before {
        proxy.cut_answers_after(random.usize(..bytes));
    }
}
