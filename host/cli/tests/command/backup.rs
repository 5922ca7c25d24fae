//! `alluvium backup`: beside a run, killed, refused, and the way back.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::beside_run::Run;
use crate::support::{Bench, alluvium, command, fails, files, ok, text};

/// Backups beside a run in every run of the tests, and kills of them.
const BACKUPS: usize = 12;
const KILLS: usize = 25;

impl Bench {
    fn copy(&self) -> String {
        text(&self.path("copy"))
    }

    fn back_up(&self) -> Value {
        serde_json::from_str(&ok(self.over_dir("backup", &[&self.copy(), "--json"]))).expect("a JSON object")
    }
}

fn number(report: &Value, member: &str) -> u64 {
    report[member].as_u64().unwrap_or_else(|| panic!("{member} in {report}"))
}

/// Flips a bit of the largest segment of a directory. Returns its name.
fn damage(directory: &Path) -> String {
    let segments =
        files(directory).into_iter().filter(|(path, _)| path.parent().is_some_and(|at| at.ends_with("segments")));
    let (path, mut content) = segments.max_by_key(|(_, content)| content.len()).expect("a segment");
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&path, content).expect("it writes");
    text(path.strip_prefix(directory).expect("below it"))
}

#[test]
fn the_next_one_copies_what_is_new() {
    let bench = Bench::with_checkpoints();
    let said = ok(bench.over_dir("backup", &[&bench.copy()]));
    assert!(said.starts_with("backed up ") && said.contains(": checkpoint 3 (3 checkpoints, "), "{said}");
    assert_eq!(number(&bench.back_up(), "copied_files"), 0);
    ok(bench.run_arguments(&["--checkpoint-every", "500", "--max-retained", "10", "--stop-after", "20"]));
    let second = bench.back_up();
    let (copied, holds) = (number(&second, "copied_bytes"), number(&second, "bytes"));
    eprintln!("a second backup after a small change copied {copied} of {holds} bytes");
    assert!(number(&second, "copied_files") > 0 && copied * 5 < holds, "{second}");
    let checked = ok(["backup", "--verify", &bench.dir_text(), &bench.copy()]);
    assert!(checked.contains("whole: 4 checkpoints") && checked.contains("holds nothing newer"), "{checked}");
    ok(bench.run_arguments(&["--checkpoint-every", "500", "--stop-after", "20"]));
    let checked = ok(["backup", "--verify", &bench.dir_text(), &bench.copy()]);
    assert!(checked.contains("holds 1 newer checkpoints and 0 newer WAL files"), "{checked}");
}

#[test]
fn a_run_continues_from_a_backup_and_from_what_was_restored() {
    let bench = Bench::with_checkpoints();
    bench.back_up();
    let whole = Bench::new();
    ok(whole.run_arguments(&[]));
    // The source is damaged, and what is whole in the backup stays.
    let before = files(&bench.path("copy"));
    let damaged = damage(&bench.dir());
    let refused = alluvium(bench.over_dir("backup", &[&text(&bench.path("new"))]));
    assert!(refused.code != Some(0) && (refused.out.clone() + &refused.err).contains(&damaged), "{refused:?}");
    assert_eq!(files(&bench.path("copy")), before);

    let restored = Bench::new();
    ok(["backup", &bench.copy(), &restored.dir_text()]);
    fs::rename(bench.dir(), bench.path("damaged")).expect("it moves");
    fs::rename(bench.path("copy"), bench.dir()).expect("it moves");
    for again in [&restored, &bench] {
        ok(again.run_arguments(&[]));
        assert_eq!(again.dump(), whole.dump());
        // It is a directory of its own now.
        let done = alluvium(["backup", "--verify", &again.dir_text()]);
        assert_eq!(done.code, Some(2), "{done:?}");
        again.assert_whole();
    }
}

#[test]
fn verify_names_what_is_damaged() {
    let bench = Bench::with_checkpoints();
    bench.back_up();
    let damaged = damage(&bench.path("copy"));
    for more in [&[][..], &["--json"]] {
        let done = alluvium([&["backup", "--verify", &bench.copy()], more].concat());
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.out.contains(&damaged), "{done:?}");
    }
    // The next backup mends it.
    assert_eq!(number(&bench.back_up(), "copied_files"), 1);
    assert!(ok(["backup", "--verify", &bench.copy()]).starts_with("whole: "));
}

#[test]
fn what_is_no_backup_is_refused_and_left_alone() {
    let bench = Bench::with_checkpoints();
    let other = Bench::with_checkpoints();
    bench.back_up();
    let refused = |destination: &Path, words: &[&str]| {
        fails(bench.over_dir("backup", &[&text(destination)]), destination, words);
    };
    refused(&other.dir(), &["neither empty nor a backup", "what to do: name a new or empty directory"]);
    let of_other = Bench::new();
    ok(["backup", &other.dir_text(), &of_other.dir_text()]);
    refused(&of_other.dir(), &["is a backup of the directory with the id"]);
    refused(&bench.dir(), &["is in the same place as"]);
    refused(&bench.dir().join("inside"), &["is in the same place as"]);
    refused(bench.scratch.path(), &["is in the same place as"]);
    refused(&bench.path("missing/copy"), &["not found"]);
    ok(["gc", &bench.copy()]);
    refused(&bench.path("copy"), &["a backup that no writer has opened"]);
    let nothing = text(&bench.path("nothing"));
    fails(["backup", &nothing, &bench.copy()], &bench.path("copy"), &["nothing", "not found"]);
    fs::create_dir(&nothing).expect("a directory");
    fails(["backup", &nothing, &text(&bench.path("new"))], &bench.dir(), &["holds no checkpoint"]);
    assert_eq!(alluvium(["backup", &bench.dir_text()]).code, Some(2), "without a destination");
    let held = alluvium::NativeDirectory::open_exclusive(of_other.dir()).expect("it opens");
    fails(["backup", &other.dir_text(), &of_other.dir_text()], &of_other.dir(), &["is writing here"]);
    drop(held);
}

#[test]
fn beside_a_run_that_keeps_one_checkpoint() {
    let bench = Bench::new();
    let run = Run::start(&bench);
    let (mut newest, mut moved) = (0, 0);
    while moved < BACKUPS {
        let report = bench.back_up();
        assert!(number(&report, "newest") >= newest, "{report}");
        moved += usize::from(number(&report, "newest") > newest);
        newest = number(&report, "newest");
        assert!(ok(["backup", "--verify", &bench.copy()]).starts_with("whole: "));
    }
    run.end();
    bench.back_up();
    assert_eq!(ok(["dump", &bench.copy()]), bench.dump());
}

#[test]
fn killed_at_random_moments_beside_a_run() {
    let seed = std::env::var("ALLUVIUM_SEED").map_or(27, |seed| seed.parse().expect("ALLUVIUM_SEED is a number"));
    eprintln!("seed {seed} (ALLUVIUM_SEED sets another)");
    let mut random = fastrand::Rng::with_seed(seed);
    let bench = Bench::new();
    let run = Run::start(&bench);
    let (mut newest, mut kills) = (0, 0);
    while kills < KILLS {
        let mut child = command(bench.over_dir("backup", &[&bench.copy()]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // The moment is drawn, not waited for: anywhere within a few calls.
        std::thread::sleep(Duration::from_micros(random.u64(..60_000)));
        child.kill().expect("a signal");
        kills += usize::from(!child.wait().expect("it ends").success());
        let done = alluvium(["backup", "--verify", &bench.copy(), "--json"]);
        let there = done.code.is_some_and(|code| code < 2);
        let check: Value = if there { serde_json::from_str(&done.out).expect("JSON") } else { Value::Null };
        // Before the first one is done there is no checkpoint. After that there always is.
        match check["newest"].as_u64() {
            Some(id) => {
                assert_eq!(done.code, Some(0), "seed {seed}: {done:?}");
                assert!(id >= newest, "seed {seed}: back from {newest} to {id}");
                newest = id;
            }
            None => assert_eq!(newest, 0, "seed {seed}: {done:?}"),
        }
    }
    run.end();
    bench.back_up();
    assert_eq!(ok(["dump", &bench.copy()]), bench.dump());
    let left = files(&bench.path("copy")).into_keys().filter(|path| text(path).contains(".tmp-")).count();
    assert_eq!(left, 0, "what the killed ones left is gone");
}
