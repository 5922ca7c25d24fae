//! A network that falls silent between two processes, without an end of any connection.

use std::time::{Duration, Instant};

use alluvium_test_cluster::processes::{Layout, Processes, free_addresses};
use alluvium_test_cluster::storage::{Kind, Storages};
use alluvium_test_servers::proxy::Proxy;

/// A process that is not heard of is lost after 10 s. The rest is for a machine that does other things.
const BOUND: Duration = Duration::from_secs(30);

#[test]
fn processes_that_do_not_hear_of_each_other_end() {
    let folder = tempfile::tempdir().unwrap();
    let job = Storages::start(Kind::Native).unwrap().job(folder.path());
    let arguments = ["--job", &job.address, "--input", "generated:2,1000,1000000000,1000", "--epoch-interval", "50"];
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    let addresses = free_addresses(2);
    let port = addresses[0].rsplit_once(':').unwrap().1.parse().unwrap();
    let proxy = Proxy::start(port);
    // The second process connects to the first one, and does so through the proxy.
    let through_proxy = vec![format!("127.0.0.1:{}", proxy.port()), addresses[1].clone()];
    let layout = Layout { processes: 2, threads: 1 };
    let mut processes = Processes::start_at(folder.path(), layout, &arguments, &[], &[addresses, through_proxy]);
    assert!(processes.wait_for_epochs(3), "{}", processes.wait(BOUND).messages);
    proxy.fall_silent();
    let begun = Instant::now();
    let ended = processes.wait(BOUND);
    assert!(!ended.is_finished && ended.messages.contains("was not heard of"), "{}", ended.messages);
    println!("both processes ended {:.1} s after the network fell silent", begun.elapsed().as_secs_f64());
}

/// All records are counted, and one of the processes stands still before it has ended.
#[test]
fn a_process_ends_although_another_one_that_has_done_its_work_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    // The last epoch has records and the end of the file. After a full one, another would follow without records.
    std::fs::write(folder.path().join("in"), "a\n".repeat(950)).unwrap();
    let job = Storages::start(Kind::Native).unwrap().job(folder.path());
    let input = folder.path().join("in").display().to_string();
    let arguments = ["--job", &job.address, "--input", &input, "--epoch-records", "100"];
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    let mut processes = Processes::start(folder.path(), Layout { processes: 2, threads: 1 }, &arguments, &[]);
    let mut counted = 0;
    while counted < 950 {
        counted += processes.next_epoch().expect("it runs").records;
    }
    processes.stop(1);
    let stopped = processes.take(1);
    let ended = processes.wait(BOUND);
    assert!(ended.is_finished, "{}", ended.messages);
    drop(stopped);
}
