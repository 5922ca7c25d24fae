//! Reading commands beside a run that replaces its only checkpoint all the time.

use std::io::Write;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::{Bench, alluvium, command, delays, some_rows, text};

/// How often each command reads.
const ROUNDS: usize = 40;

/// A run that takes checkpoints for as long as it is fed, and keeps only the newest.
pub(crate) struct Run {
    child: Child,
    is_over: Arc<AtomicBool>,
    feeding: Option<JoinHandle<()>>,
}

impl Run {
    pub(crate) fn start(bench: &Bench) -> Self {
        let arguments = ["run", &text(&delays()), "--dir", &bench.dir_text(), "--input", "-", "--max-retained", "1"];
        let often = ["--checkpoint-every", "300", "--sync-every", "40", "--no-results"];
        let mut child = command([&arguments[..], &often].concat())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut input = child.stdin.take().expect("a pipe");
        let is_over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&is_over);
        let feeding = std::thread::spawn(move || {
            let rows = some_rows(2_000);
            let (header, rows) = rows.split_once('\n').expect("a header");
            writeln!(input, "{header}").expect("it is read");
            while !until.load(Ordering::Relaxed) {
                for row in rows.split_inclusive('\n').take_while(|_| !until.load(Ordering::Relaxed)) {
                    input.write_all(row.as_bytes()).expect("it is read");
                }
            }
        });
        let run = Self { child, is_over, feeding: Some(feeding) };
        // From its first checkpoint on there is something to back up.
        while alluvium(bench.over_dir("show", &[])).code != Some(0) {
            std::thread::sleep(Duration::from_millis(10));
        }
        run
    }

    /// Lets it come to the end of its input.
    pub(crate) fn end(mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.feeding.take().expect("once").join().expect("it was fed");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn no_reading_command_fails_or_sees_damage() {
    let bench = Bench::new();
    let run = Run::start(&bench);
    let first = bench.ids();
    for round in 0..ROUNDS {
        let archive = text(&bench.path(&format!("{round}.tar")));
        let commands: [(&str, &[&str]); 7] = [
            ("list", &[]),
            ("show", &[]),
            ("dump", &[]),
            ("top", &[]),
            ("verify", &[]),
            ("gc", &["--dry-run"]),
            ("export", &[&archive]),
        ];
        for (verb, more) in commands {
            let done = alluvium(bench.over_dir(verb, more));
            assert_eq!(done.code, Some(0), "round {round}, {verb}: {done:?}");
            assert!(!done.out.contains("damage"), "round {round}, {verb}: {done:?}");
        }
    }
    assert_ne!(bench.ids(), first, "the run stood still");
    run.end();
    bench.assert_whole();
}
