//! `kill -9` at random moments of a run over the real stream, again and again, until it is through:
//! the result is that of an undisturbed run.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};
use std::time::Duration;

use crate::support::{Bench, FLIGHTS, alluvium, command, ok, sum};

/// Kills in every run of the tests.
const KILLS_MIN: u32 = 20;

const ARGUMENTS: [&str; 5] = ["--checkpoint-every", "300", "--max-retained", "4", "--json"];

fn start(bench: &Bench) -> (Child, BufReader<ChildStderr>) {
    let mut child = command(bench.run_arguments(&ARGUMENTS))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let err = child.stderr.take().expect("a pipe");
    (child, BufReader::new(err))
}

/// Lets it live for some checkpoints and a moment more, then kills it; whether it came to its end
/// before that.
fn live_and_die(bench: &Bench, random: &mut fastrand::Rng) -> bool {
    let (mut child, mut err) = start(bench);
    // One in four dies while it starts: compiling, opening, recovering.
    let checkpoints = if random.u8(..4) == 0 { 0 } else { random.u32(1..=4) };
    let mut seen = 0;
    let mut line = String::new();
    while seen < checkpoints && err.read_line(&mut line).expect("it reads") > 0 {
        seen += u32::from(line.contains("\"checkpoint\""));
        line.clear();
    }
    // The moment is drawn, not waited for: anywhere within a few batches and the checkpoint after.
    std::thread::sleep(Duration::from_micros(random.u64(..40_000)));
    child.kill().expect("a signal");
    let mut rest = String::new();
    err.read_to_string(&mut rest).expect("it reads");
    let status = child.wait().expect("it ends");
    assert!(status.code().is_none_or(|code| code == 0), "neither killed nor done: {rest}");
    assert!(!rest.contains("error: "), "{rest}");
    status.success()
}

#[test]
fn the_result_is_that_of_an_undisturbed_run() {
    let seed = std::env::var("ALLUVIUM_SEED").map_or(14, |seed| seed.parse().expect("ALLUVIUM_SEED is a number"));
    eprintln!("seed {seed} (ALLUVIUM_SEED sets another)");
    let mut random = fastrand::Rng::with_seed(seed);
    let undisturbed = Bench::new();
    let results = ok(undisturbed.run_arguments(&ARGUMENTS));
    let expected = undisturbed.dump();
    assert_eq!(sum(&expected, "flights"), FLIGHTS);

    let mut kills = 0;
    while kills < KILLS_MIN {
        let bench = Bench::new();
        let mut had_checkpoints = false;
        while !live_and_die(&bench, &mut random) {
            kills += 1;
            // A killed run leaves no checkpoint damaged, and the next run continues from what it left. One that
            // was killed before its first checkpoint leaves a directory without any.
            let is_begun = bench.dir().exists() && alluvium(bench.over_dir("list", &[])).code == Some(0);
            assert!(is_begun || !had_checkpoints, "seed {seed}: a kill took the checkpoints");
            had_checkpoints = is_begun;
            if is_begun {
                bench.assert_whole();
            }
        }
        assert!(bench.dump() == expected, "seed {seed}: another state after {kills} kills");
        assert!(ok(bench.run_arguments(&ARGUMENTS)) == results, "seed {seed}: other results after {kills} kills");
        assert_eq!(sum(&bench.dump(), "flights"), FLIGHTS);
    }
    eprintln!("{kills} kills");
}
