//! Random sequences of calls, legal and illegal: whatever a plugin does, the host answers or ends it, what is durable
//! stays, and the engine works on.

use std::time::Duration;

use alluvium_host::{Limits, RuntimeError};
use alluvium_hostile::{Guest, calls};
use fastrand::Rng;

use crate::support::{Bench, flights};

/// Sequences in `make test`. `ALLUVIUM_CALLS` asks for more of them, and `ALLUVIUM_SEED` for others.
const SEQUENCES: u64 = 60;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn any_sequence_of_calls_is_answered_or_ended() {
    let sequences = number("ALLUVIUM_CALLS", SEQUENCES);
    let benches = if sequences > SEQUENCES { Bench::both_without_cache() } else { Bench::both() };
    let limits = Limits { plugin_call: Duration::from_secs(2), call_bytes: 4 << 20, ..Limits::default() };
    let mut neighbours = benches.each_ref().map(|(_, bench)| bench.neighbour());
    let (first, mut ended, mut answered) = (number("ALLUVIUM_SEED", 1) << 32, 0, 0);
    for sequence in 0..sequences {
        let (_, bench) = &benches[usize::from(sequence % 2 == 1)];
        let mut random = Rng::with_seed(first + sequence);
        let code = bench.guest(&Guest::new().process(&calls::body(&mut random, 40)));
        let mut plugin = bench.start(&code, "random", Some(limits));
        let before = plugin.with_engine(|engine| engine.len(0)).expect("a number");
        match plugin.feed(0, &flights(1, 1)) {
            Ok(()) => {
                answered += 1;
                plugin.checkpoint().unwrap_or_else(|error| panic!("sequence {sequence}: {error}"));
            }
            // The calls may write over what it returns, so that it reads as a refusal.
            Err(RuntimeError::Refused { .. }) => {
                answered += 1;
                let after = plugin.with_engine(|engine| engine.len(0)).expect("a number");
                assert_eq!(after, before, "sequence {sequence}: a refused batch is undone");
            }
            Err(error) => {
                assert!(error.is_end() && !plugin.is_running(), "sequence {sequence}: {error}");
                ended += 1;
                plugin.restart().unwrap_or_else(|error| panic!("sequence {sequence}: {error}"));
                let after = plugin.with_engine(|engine| engine.len(0)).expect("a number");
                assert_eq!(after, before, "sequence {sequence}: half a batch is none");
            }
        }
    }
    assert!(ended > 0 && answered > 0, "{ended} ended, {answered} answered");
    for ((_, bench), neighbour) in benches.iter().zip(&mut neighbours) {
        neighbour.feed(0, &flights(1, 100)).expect("it works on");
        neighbour.checkpoint().expect("a checkpoint");
        bench.state("random");
    }
}
