//! A process with the composed component over a store on disk, killed at random moments.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use alluvium_test_harness::{number, scratch};
use alluvium_wasi_runner::keyvalue::{DurableValues, Values};

use crate::support::{Instance, PRECOMPILED, TRUSTED, compiled, options};

/// What names the folder of the store to the process that is killed.
const FOLDER: &str = "ALLUVIUM_KEYVALUE_FOLDER";

/// How many keys the state has in the end.
const KEYS: u64 = 50;

/// Checks that the state is exactly that after so many changes, and returns the number.
fn recovered(instance: &mut Instance) -> u64 {
    let number = |value: Option<Vec<u8>>| value.map_or(0, |value| u64::from_le_bytes(value.try_into().expect("eight")));
    let done = number(instance.get("done"));
    for key in 0..KEYS {
        // Change n adds n to key n modulo KEYS.
        let expected: u64 = (1..=done).filter(|change| change % KEYS == key).sum();
        assert_eq!(number(instance.get(&format!("key {key}"))), expected, "key {key} after {done} changes");
    }
    done
}

/// What [`every_change_that_was_told_survives_a_kill`] starts and kills.
#[test]
#[ignore = "run by another test, which kills it"]
fn works_until_it_is_killed() {
    let folder = std::env::var_os(FOLDER).expect("the folder of the store");
    let values: Arc<dyn Values> = Arc::new(DurableValues::open(Path::new(&folder)).expect("it opens"));
    let mut instance = Instance::open(&values, &options(TRUSTED)).expect("it opens");
    let mut done = recovered(&mut instance);
    // The harness of tests takes what is printed the usual way.
    let mut out = std::io::stdout();
    writeln!(out, "\nrecovered {done}").expect("someone reads");
    loop {
        done += 1;
        let key = format!("key {}", done % KEYS);
        let before = instance.get(&key).map_or(0, |value| u64::from_le_bytes(value.try_into().expect("eight")));
        instance.put(&key, &(before + done).to_le_bytes());
        instance.put("done", &done.to_le_bytes());
        if done.is_multiple_of(3) {
            drop(instance.checkpoint().expect("it is taken"));
        } else {
            instance.sync().expect("it syncs");
        }
        writeln!(out, "durable {done}").expect("someone reads");
    }
}

fn start(folder: &Path) -> Child {
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--ignored", "--exact", "--nocapture", "kills::works_until_it_is_killed"];
    let mut command = Command::new(program);
    command.args(arguments).env(FOLDER, folder.join("store")).env(PRECOMPILED, folder.join("composed"));
    command.stdout(Stdio::piped()).spawn().expect("it starts")
}

/// Kills a process after so many lines and so long after the last of them. Returns what it recovered, and the last
/// change that it told of.
fn killed(folder: &Path, lines: usize, after: Duration) -> (u64, u64) {
    let mut child = start(folder);
    let mut output = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let of = |line: &str, what: &str| line.strip_prefix(what).and_then(|number| number.trim().parse::<u64>().ok());
    let recovered = output.by_ref().find_map(|line| of(&line, "recovered ")).expect("it recovers exactly");
    let mut told = output.by_ref().take(lines).filter_map(|line| of(&line, "durable ")).last().unwrap_or(recovered);
    std::thread::sleep(after);
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    // What it told before it was killed counts, too.
    told = output.filter_map(|line| of(&line, "durable ")).last().unwrap_or(told);
    (recovered, told)
}

#[test]
fn every_change_that_was_told_survives_a_kill() {
    let scratch = scratch().expect("a folder");
    let composed = compiled().composed.serialize().expect("it has a compiled form");
    std::fs::write(scratch.path().join("composed"), composed).expect("a file");
    let kills = number("ALLUVIUM_KILLS").unwrap_or(20);
    let mut random = fastrand::Rng::with_seed(number("ALLUVIUM_SEED").unwrap_or(1));
    let (mut told, mut beyond) = (0, 0);
    for kill in 0..kills {
        let after = Duration::from_micros(random.u64(0..3_000));
        let (recovered, last) = killed(scratch.path(), random.usize(0..8), after);
        // One change may have become durable without its being told.
        assert!(recovered == told || recovered == told + 1, "kill {kill}: told {told}, recovered {recovered}");
        beyond += recovered - told;
        told = last;
    }
    println!("{kills} kills, {told} changes were told, {beyond} more were found");
    assert!(told >= kills, "only {told} changes in {kills} lives");
}
