//! Several inputs that end have one order: it follows from what is in them, and not from how fast they are read.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::support::{Bench, command, component, flights, ok, text};

/// The inputs of the plugin `joined`.
const INPUTS: [&str; 3] = ["flights", "weather", "planes"];

const HOUR_MS: u64 = 3_600_000;

fn input(name: &str) -> PathBuf {
    flights().with_file_name(if name == "planes" {
        "planes.csv.gz".to_owned()
    } else {
        format!("{name}-2013-01.csv.gz")
    })
}

/// The text of an input.
fn unpacked(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = File::open(input(name)).expect("it opens");
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("it unpacks");
    bytes
}

fn arguments(bench: &Bench, paths: &[PathBuf; 3], delay_ms: u64, more: &[&str]) -> Vec<String> {
    let plugin = text(&component("ALLUVIUM_JOINED", "joined.wasm"));
    let (dir, output, delay) = (bench.dir_text(), text(&bench.path("out.ndjson")), delay_ms.to_string());
    let fixed = ["run", &plugin, "--dir", &dir, "--output", &output, "--watermark-delay", &delay];
    let fixed = fixed.iter().chain(&["--time-column", "planes=", "--checkpoint-every", "700", "--json"]);
    let mut arguments: Vec<String> = fixed.chain(more).map(|&argument| argument.to_owned()).collect();
    for (name, path) in INPUTS.iter().zip(paths) {
        arguments.extend(["--input".to_owned(), format!("{name}={}", path.display())]);
    }
    arguments
}

/// What a run left: what it emitted, its state, and what its newest checkpoint has consumed.
fn left(bench: &Bench) -> (Vec<u8>, String, String) {
    let newest = &bench.list()[0];
    let digest = newest["alluvium"]["state_digest"].as_str().expect("a digest");
    let said = format!("{digest} {} {} {}", newest["watermark"], newest["epoch"], newest["source_offsets"]);
    (fs::read(bench.path("out.ndjson")).unwrap_or_default(), bench.dump(), said)
}

fn files() -> [PathBuf; 3] {
    INPUTS.map(input)
}

/// Runs over the files in one go.
fn in_one_go(delay_ms: u64) -> (Vec<u8>, String, String) {
    let bench = Bench::new();
    ok(arguments(&bench, &files(), delay_ms, &[]));
    left(&bench)
}

/// Feeds a pipe in pieces, with a pause after each.
fn feed(path: &Path, bytes: &[u8], piece: usize, pause: Duration) {
    let mut pipe = File::options().write(true).open(path).expect("it opens");
    for piece in bytes.chunks(piece) {
        pipe.write_all(piece).expect("it is read");
        thread::sleep(pause);
    }
}

#[test]
fn the_speed_of_pipes_changes_nothing() {
    let expected = in_one_go(HOUR_MS);
    assert!(!expected.0.is_empty());
    let contents = INPUTS.map(unpacked);
    // The slow one is each in turn: it comes in pieces that end within records, and later than the others.
    for (slow, name) in INPUTS.iter().enumerate() {
        let bench = Bench::new();
        let pipes = INPUTS.map(|name| bench.path(name));
        for pipe in &pipes {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
        }
        thread::scope(|scope| {
            for (number, (pipe, bytes)) in pipes.iter().zip(&contents).enumerate() {
                let is_slow = number == slow;
                // About two hundred pieces, whatever the size.
                let piece = if is_slow { bytes.len() / 200 } else { 1 << 16 };
                let pause = Duration::from_millis(if is_slow { 4 } else { 0 });
                scope.spawn(move || feed(pipe, bytes, piece, pause));
            }
            ok(arguments(&bench, &pipes, HOUR_MS, &[]));
        });
        assert!(left(&bench) == expected, "another result when {name} is slow");
    }
}

#[test]
fn the_files_of_two_directories_are_as_two_files() {
    let expected = in_one_go(HOUR_MS);
    let bench = Bench::new();
    let mut paths = files();
    for (name, path) in INPUTS.iter().zip(&mut paths).take(2) {
        *path = bench.path(name);
        fs::create_dir(&*path).expect("a directory");
        let bytes = unpacked(name);
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let header = lines.next().expect("a header");
        // None of them has a multiple of the records of a block.
        let lines: Vec<_> = lines.collect();
        for (number, part) in lines.chunks(lines.len() / 4).enumerate() {
            let part = [header].into_iter().chain(part.iter().copied()).collect::<Vec<_>>().concat();
            fs::write(path.join(format!("{number}.csv")), part).expect("it writes");
        }
    }
    ok(arguments(&bench, &paths, HOUR_MS, &[]));
    let found = left(&bench);
    assert!((found.0, found.1) == (expected.0, expected.1), "another result");
}

#[test]
fn equal_runs_are_equal_whatever_the_delay_and_however_often_they_are_killed() {
    let mut random = fastrand::Rng::with_seed(5);
    for (delay_ms, kills_max) in [(0, 5), (HOUR_MS, 20), (24 * HOUR_MS, 5)] {
        let expected = in_one_go(delay_ms);
        assert!(in_one_go(delay_ms) == expected, "two runs differ with a delay of {delay_ms} ms");
        let bench = Bench::new();
        let mut kills = 0;
        while kills < kills_max && is_killed(&bench, delay_ms, &mut random) {
            kills += 1;
        }
        assert!(kills >= 5, "{kills} kills");
        ok(arguments(&bench, &files(), delay_ms, &[]));
        assert!(left(&bench) == expected, "another result after {kills} kills with a delay of {delay_ms} ms");
        bench.assert_whole();
    }
}

/// Kills a run after its next checkpoints, or a moment later. Returns whether it was killed before its end.
fn is_killed(bench: &Bench, delay_ms: u64, random: &mut fastrand::Rng) -> bool {
    let mut child = command(arguments(bench, &files(), delay_ms, &[]))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut err = BufReader::new(child.stderr.take().expect("a pipe"));
    let (mut line, mut checkpoints) = (String::new(), 1 + random.u32(..2));
    while checkpoints > 0 && err.read_line(&mut line).expect("it reads") > 0 {
        checkpoints -= u32::from(line.contains("\"checkpoint\""));
        line.clear();
    }
    // The moment is drawn, not waited for.
    thread::sleep(Duration::from_micros(random.u64(..5_000)));
    child.kill().expect("a signal");
    let mut rest = String::new();
    err.read_to_string(&mut rest).expect("it reads");
    let status = child.wait().expect("it ends");
    assert!(status.code().is_none_or(|code| code == 0), "neither killed nor done: {rest}");
    !status.success()
}
