//! Outputs of a job to servers.

use std::fs;

use alluvium_test_servers::target::{Fault, Target};

use super::partitions;
use crate::support::{Bench, alluvium, component, ok, text};

/// What is not shown waits in the job: no process needs a directory of its machine.
#[test]
fn an_output_to_a_server_waits_in_the_job() {
    let bench = Bench::new();
    let input = partitions(&bench, 3);
    let plugin = text(&component("ALLUVIUM_UNIQUE", "unique.wasm"));
    let arguments = |job: &str, output: &str, more: &[&str]| {
        let job = text(&bench.path(job));
        let fixed = ["cluster", "run", &plugin, "--job", &job, "--input", &input, "--epoch-records", "500"];
        fixed
            .iter()
            .chain(&["--output", output])
            .chain(more)
            .map(|&argument| argument.to_owned())
            .collect::<Vec<String>>()
    };
    let file = text(&bench.path("unique.ndjson"));
    ok(arguments("whole", &file, &["--workers", "1"]));
    let expected = fs::read_to_string(&file).expect("the output");
    let expected: Vec<&str> = expected.lines().collect();
    assert!(expected.len() > 1_000, "{}", expected.len());

    let target = Target::start(true);
    let output = format!("http://127.0.0.1:{}/unique?key=honoured&retry-for=0s", target.port());
    ok(arguments("job", &output, &["--workers", "2", "--stop-after-epochs", "2"]));
    assert!(bench.path("job/outputs").is_dir());
    // The answer to a request is lost, and the process ends. The next one sends it again, as it was.
    target.fail(&[Fault::AnswerLost]);
    let ended = alluvium(arguments("job", &output, &["--workers", "3"]));
    assert!(ended.code == Some(2) && ended.err.contains("127.0.0.1"), "{ended:?}");
    ok(arguments("job", &output, &["--workers", "1"]));
    assert_eq!(target.lines("unique"), expected);
    // A job that has finished has nothing to send.
    let requests = target.requests().len();
    ok(arguments("job", &output, &[]));
    assert_eq!(target.requests().len(), requests);
}
