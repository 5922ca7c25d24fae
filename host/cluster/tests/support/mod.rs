//! A job over generated files, what it must come to, and its processes.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "each test uses a part, and the numbers are small"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use alluvium_core::model::hash::{entry_digest, key_hash, value_hash};
use rustix::process::{Pid, Signal, kill_process};

/// So many records of each partition make an epoch.
const EPOCH: usize = 25;

/// A generator of numbers that are the same in each run.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Reads a number from the environment.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text:?}")))
}

/// A folder with the inputs of a job, and what the job must come to.
pub struct Scratch {
    folder: tempfile::TempDir,
    /// The routes of the records, by partition.
    partitions: Vec<Vec<String>>,
}

impl Scratch {
    pub fn new(partitions: usize, records: usize, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let mut numbers = Numbers::new(seed);
        let mut all = Vec::new();
        for partition in 0..partitions {
            // Partitions of different lengths end in different epochs.
            let count = records / 2 + numbers.below(records as u64) as usize;
            let route = |numbers: &mut Numbers| format!("A{:02}-B{:02}", numbers.below(5), numbers.below(5));
            let routes: Vec<String> = (0..count).map(|_| route(&mut numbers)).collect();
            let mut text = String::from("flight,origin,dest\n");
            for (flight, route) in routes.iter().enumerate() {
                let (origin, dest) = route.split_once('-').unwrap();
                writeln!(text, "{flight},{origin},{dest}").unwrap();
            }
            std::fs::write(folder.path().join(format!("in/{partition}.csv")), text).unwrap();
            all.push(routes);
        }
        Self { folder, partitions: all }
    }

    pub fn job(&self) -> PathBuf {
        self.folder.path().join("job")
    }

    pub fn output(&self) -> PathBuf {
        self.folder.path().join("job.hundreds")
    }

    /// Counts in the order of epochs, partitions and records.
    fn count(&self) -> (String, BTreeMap<String, u64>) {
        let (mut counts, mut output) = (BTreeMap::<String, u64>::new(), String::new());
        let longest = self.partitions.iter().map(Vec::len).max().unwrap_or(0);
        for epoch in 0..=longest / EPOCH {
            for partition in &self.partitions {
                for route in partition.iter().skip(epoch * EPOCH).take(EPOCH) {
                    let count = counts.entry(route.clone()).or_default();
                    *count += 1;
                    if count.is_multiple_of(100) {
                        writeln!(output, "{route} {count}").unwrap();
                    }
                }
            }
        }
        (output, counts)
    }

    pub fn expected_output(&self) -> String {
        self.count().0
    }

    /// The number of keys, and the digest.
    pub fn expected_state(&self) -> (u64, u64) {
        let counts = self.count().1;
        let digest = |(route, count): (&String, &u64)| {
            entry_digest(key_hash(route.as_bytes()), value_hash(&count.to_le_bytes()))
        };
        (counts.len() as u64, counts.iter().map(digest).fold(0, u64::wrapping_add))
    }
}

/// The processes of one generation.
pub struct Cluster {
    processes: Vec<Process>,
}

struct Process {
    child: Child,
    lines: Receiver<String>,
    printed: String,
    errors: std::thread::JoinHandle<String>,
}

/// How a generation ended.
pub struct Ended {
    pub is_finished: bool,
    pub messages: String,
}

fn example() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.parent().and_then(|deps| deps.parent()).unwrap().join("examples/counts");
    assert!(path.exists(), "{} is not there: cargo builds it with the tests of the package", path.display());
    path
}

impl Cluster {
    pub fn start(scratch: &Scratch, (processes, threads): (usize, usize)) -> Self {
        // The ports are free when the processes take them, unless another program takes one in between; then the
        // process says so, and the test fails with that.
        let listeners: Vec<TcpListener> = (0..processes).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses: Vec<String> = listeners.iter().map(|at| at.local_addr().unwrap().to_string()).collect();
        drop(listeners);
        let hosts = tempfile::NamedTempFile::new_in(scratch.folder.path()).unwrap();
        let (_, hosts) = hosts.keep().unwrap();
        std::fs::write(&hosts, addresses.join("\n")).unwrap();
        let start = |number: usize| {
            let mut command = Command::new(example());
            command.arg(scratch.job()).arg(scratch.folder.path().join("in/*.csv")).arg(threads.to_string());
            if processes > 1 {
                command.arg(&hosts).arg(number.to_string());
            }
            command.env("EPOCH", EPOCH.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let (sender, lines) = channel();
            let output = BufReader::new(child.stdout.take().unwrap());
            std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
            let mut errors = child.stderr.take().unwrap();
            let errors = std::thread::spawn(move || {
                let mut text = String::new();
                let _ = errors.read_to_string(&mut text);
                text
            });
            Process { child, lines, printed: String::new(), errors }
        };
        Self { processes: (0..processes).map(start).collect() }
    }

    pub fn count(&self) -> usize {
        self.processes.len()
    }

    /// Waits until so many epochs are committed. Returns whether the first process still runs then.
    pub fn wait_for_epochs(&mut self, epochs: usize) -> bool {
        let first = &mut self.processes[0];
        let until = Instant::now() + Duration::from_mins(1);
        let mut seen = 0;
        while seen < epochs {
            match first.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    seen += usize::from(line.starts_with("epoch "));
                    first.printed += &line;
                    first.printed.push('\n');
                }
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => panic!("no epoch was committed in a minute: {}", first.printed),
            }
        }
        true
    }

    fn signal(&self, number: usize, signal: Signal) {
        let pid = Pid::from_raw(self.processes[number].child.id() as i32).unwrap();
        // One that has ended needs no signal.
        let _ = kill_process(pid, signal);
    }

    pub fn kill(&mut self, number: usize) {
        self.signal(number, Signal::KILL);
    }

    pub fn kill_all(mut self) {
        (0..self.count()).for_each(|number| self.kill(number));
        self.wait(Duration::from_mins(1));
    }

    pub fn kill_all_after(self, delay: Duration) {
        std::thread::sleep(delay);
        self.kill_all();
    }

    pub fn stop_all(&mut self) {
        (0..self.count()).for_each(|number| self.signal(number, Signal::STOP));
    }

    pub fn continue_all(&mut self) {
        (0..self.count()).for_each(|number| self.signal(number, Signal::CONT));
    }

    /// Waits until all processes have ended, which they must within `bound`.
    pub fn wait(&mut self, bound: Duration) -> Ended {
        let until = Instant::now() + bound;
        let (mut is_finished, mut messages) = (true, String::new());
        for mut process in std::mem::take(&mut self.processes) {
            let status = loop {
                if let Some(status) = process.child.try_wait().unwrap() {
                    break status;
                }
                if Instant::now() > until {
                    let _ = process.child.kill();
                    let _ = process.child.wait();
                    panic!("a process did not end within {bound:?}: {}", process.printed);
                }
                std::thread::sleep(Duration::from_millis(2));
            };
            let rest: Vec<String> = process.lines.iter().collect();
            process.printed += &rest.join("\n");
            is_finished &= status.success() && process.printed.contains("all inputs read: true");
            let errors = process.errors.join().unwrap();
            let last: Vec<&str> = process.printed.lines().rev().take(3).collect();
            writeln!(messages, "{status}: {} {errors}", last.join(" / ")).unwrap();
        }
        Ended { is_finished, messages }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}
