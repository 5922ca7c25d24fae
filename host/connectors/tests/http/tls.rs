//! TLS: what is trusted, and what is said of a certificate that is not.

use alluvium_connectors::source::{Partition, Reader};
use alluvium_connectors::{sink, source};
use alluvium_test_servers::durable_streams::Streams;
use alluvium_test_servers::events::Events;
use alluvium_test_servers::target::Target;
use alluvium_test_servers::tls::Tls;

use crate::support::{epoch, numbers, read, read_to_error};

fn open(address: &str) -> Box<dyn Reader> {
    source::from_url(address).unwrap().open(&Partition::whole()).unwrap()
}

#[test]
fn sources_read_what_a_trusted_server_sends() {
    let (streams, events) = (Streams::start(), Events::start());
    streams.create("lines", "text/plain");
    let records = numbers(0, 2);
    streams.append("lines", "text/plain", records.join("\n") + "\n");
    events.append("events", &records);
    for (scheme, port, path) in [("durable-stream", streams.port(), "lines"), ("sse", events.port(), "events")] {
        let tls = Tls::start(port, "localhost");
        let ca = tls.certificates();
        let address = |host: &str, ca: &str| format!("{scheme}+https://{host}:{}/{path}?{ca}", tls.port());
        let trusted = format!("ca={}", ca.display());
        let mut reader = open(&address("localhost", &trusted));
        assert_eq!(read(&mut *reader, 2).unwrap(), records, "{scheme}");
        // A certificate that no one vouches for is refused, and so is one of another server.
        for (host, ca) in [("localhost", ""), ("127.0.0.1", trusted.as_str())] {
            let mut reader = open(&address(host, ca));
            let (_, error) = read_to_error(&mut *reader);
            assert!(!error.is_transient() && error.to_string().contains("certificate"), "{scheme} {host}: {error}");
        }
    }
}

#[test]
fn sinks_publish_to_a_trusted_server_and_name_a_certificate_that_is_not() {
    let target = Target::start(true);
    let tls = Tls::start(target.port(), "localhost");
    let scratch = tempfile::tempdir().unwrap();
    let open = |ca: &str| {
        let waiting = scratch.path().join("waiting");
        let address = format!("https://localhost:{}/out?key=honoured&{ca}waiting={}", tls.port(), waiting.display());
        sink::from_url(&address).unwrap()
    };
    let mut stranger = open("");
    stranger.recover(&[]).unwrap();
    let token = epoch(&mut *stranger, &numbers(0, 3));
    let error = stranger.publish(&token).unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("certificate"), "{error}");
    drop(stranger);
    // What waited is published when the certificate is trusted.
    let mut trusting = open(&format!("ca={}&", tls.certificates().display()));
    trusting.recover(&[token]).unwrap();
    assert_eq!(target.lines("out"), numbers(0, 3));
}
