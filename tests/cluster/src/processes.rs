//! The processes of one generation of a job.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long something may take on a machine that does other things.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// How many processes a generation has, and how many workers each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// How many processes.
    pub processes: usize,
    /// How many workers in each.
    pub threads: usize,
}

/// The processes of one generation. Those that are left are killed when it is dropped.
pub struct Processes {
    processes: Vec<Process>,
}

struct Process {
    child: Child,
    lines: Receiver<String>,
    /// The last lines.
    printed: Vec<String>,
    errors: std::thread::JoinHandle<String>,
}

/// What a process told of a committed epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub epoch: u64,
    /// How many keys the state has.
    pub keys: u64,
    /// The digest of the state.
    pub digest: u64,
    /// How many records it had.
    pub records: u64,
    /// How long each worker stood still, in microseconds.
    pub stalls_us: Vec<u64>,
}

/// How a generation ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether all inputs were read, by all processes.
    pub is_finished: bool,
    /// What the processes said at last.
    pub messages: String,
}

/// Returns the program that is one process of a job. It is built with this package.
pub fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let mut folders = own.ancestors().skip(1).take(2).map(|folder| folder.join("cluster-worker"));
    folders.find(|program| program.exists()).unwrap_or_else(|| {
        panic!("there is no cluster-worker beside {}: cargo build -p alluvium-test-cluster", own.display())
    })
}

/// Returns addresses that are free now.
pub fn free_addresses(count: usize) -> Vec<String> {
    // If another program takes one before the process does, the process says so, and the test fails with that.
    let listeners: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    listeners.iter().map(|at| at.local_addr().unwrap().to_string()).collect()
}

impl Processes {
    /// Starts the processes. `arguments` are those that all of them have.
    pub fn start(folder: &Path, layout: Layout, arguments: &[String], environment: &[(String, String)]) -> Self {
        let addresses = free_addresses(layout.processes);
        Self::start_at(folder, layout, arguments, environment, &vec![addresses; layout.processes])
    }

    /// Starts the processes, each with addresses of its own for all of them.
    pub fn start_at(
        folder: &Path,
        layout: Layout,
        arguments: &[String],
        environment: &[(String, String)],
        addresses: &[Vec<String>],
    ) -> Self {
        let start = |number: usize| {
            let mut command = Command::new(program());
            command.args(arguments).arg("--threads").arg(layout.threads.to_string());
            if layout.processes > 1 {
                let hosts = tempfile::NamedTempFile::new_in(folder).unwrap();
                std::fs::write(&hosts, addresses[number].join("\n")).unwrap();
                command.arg("--hosts").arg(hosts.keep().unwrap().1).arg("--process").arg(number.to_string());
            }
            command.envs(environment.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped());
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
            Process { child, lines, printed: Vec::new(), errors }
        };
        Self { processes: (0..layout.processes).map(start).collect() }
    }

    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.processes.len()
    }

    /// Returns the next epoch that is committed, or `None` if the first process ends before that.
    pub fn next_epoch(&mut self) -> Option<Epoch> {
        let first = &mut self.processes[0];
        let until = Instant::now() + PATIENCE;
        loop {
            match first.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let epoch = line.strip_prefix("committed ").map(epoch_of);
                    first.printed.push(line);
                    if epoch.is_some() {
                        return epoch;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("no epoch in {PATIENCE:?}: {:?}", first.printed.last()),
            }
        }
    }

    /// Waits until so many epochs are committed. Returns whether the first process still runs then.
    pub fn wait_for_epochs(&mut self, epochs: u64) -> bool {
        (0..epochs).all(|_| self.next_epoch().is_some())
    }

    /// Waits for an epoch with so many keys and this digest. Returns false if the first process ends before that.
    pub fn wait_for_state(&mut self, (keys, digest): (u64, u64)) -> bool {
        let give_up = Instant::now() + PATIENCE;
        let mut last = Epoch::default();
        while let Some(epoch) = self.next_epoch() {
            if (epoch.keys, epoch.digest) == (keys, digest) {
                return true;
            }
            last = epoch;
            assert!(Instant::now() < give_up, "the state has {keys} keys and {digest:016x} expected: {last:?}");
        }
        eprintln!("the first process ended after {last:?}");
        false
    }

    fn signal(&self, number: usize, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.processes[number].child.id()).unwrap()).unwrap();
        // One that has ended needs no signal.
        let _ = kill_process(pid, signal);
    }

    /// Kills one process.
    pub fn kill(&self, number: usize) {
        self.signal(number, Signal::KILL);
    }

    /// Kills all processes, and waits for their ends.
    pub fn kill_all(mut self) {
        (0..self.count()).for_each(|number| self.kill(number));
        self.wait(PATIENCE);
    }

    /// Stops one process, which stays there.
    pub fn stop(&self, number: usize) {
        self.signal(number, Signal::STOP);
    }

    /// Stops all processes.
    pub fn stop_all(&self) {
        (0..self.count()).for_each(|number| self.stop(number));
    }

    /// Has all processes that were stopped continue.
    pub fn continue_all(&self) {
        (0..self.count()).for_each(|number| self.signal(number, Signal::CONT));
    }

    /// Takes one process out, which is left to itself.
    #[must_use]
    pub fn take(&mut self, number: usize) -> Self {
        Self { processes: vec![self.processes.remove(number)] }
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
                    let threads = threads(process.child.id());
                    let _ = process.child.kill();
                    let _ = process.child.wait();
                    panic!("a process did not end within {bound:?}: {:?}, {threads:?}", process.printed.last());
                }
                std::thread::sleep(Duration::from_millis(1));
            };
            process.printed.extend(process.lines.iter());
            is_finished &= status.success() && process.printed.iter().any(|line| line.contains("finished=true"));
            let errors = process.errors.join().unwrap();
            writeln!(messages, "{status}: {:?} {errors}", process.printed.last()).unwrap();
        }
        Ended { is_finished, messages }
    }
}

/// Returns the names of the threads of a process, each with what the kernel says that it waits for.
fn threads(process: u32) -> Vec<String> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let read = |task: &Path, name: &str| std::fs::read_to_string(task.join(name)).unwrap_or_default().trim().to_owned();
    tasks.flatten().map(|task| format!("{} {}", read(&task.path(), "comm"), read(&task.path(), "wchan"))).collect()
}

fn epoch_of(line: &str) -> Epoch {
    let mut epoch = Epoch::default();
    for (name, value) in line.split(' ').filter_map(|field| field.split_once('=')) {
        match name {
            "epoch" => epoch.epoch = value.parse().unwrap(),
            "keys" => epoch.keys = value.parse().unwrap(),
            "digest" => epoch.digest = value.parse().unwrap(),
            "records" => epoch.records = value.parse().unwrap(),
            "stalls_us" => epoch.stalls_us = value.split(',').map(|stall| stall.parse().unwrap()).collect(),
            _ => {}
        }
    }
    epoch
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}
