//! An operator that panics: the job ends in all processes, says why, and keeps what was committed.

use alluvium_test_cluster::counts::FAULTY;
use alluvium_test_cluster::expected::{Expected, in_epochs};
use alluvium_test_cluster::processes::{Layout, PATIENCE, Processes};
use alluvium_test_cluster::storage::{Kind, Storages};

#[test]
fn a_panic_of_an_operator_ends_the_job_and_is_told() {
    let good: Vec<String> = (0..500).map(|at| format!("w{} {at}", at % 7)).collect();
    for (processes, threads) in [(1, 1), (1, 3), (2, 1), (3, 2)] {
        let layout = Layout { processes, threads };
        let folder = tempfile::tempdir().unwrap();
        let (input, output) = (folder.path().join("0.in"), folder.path().join("out"));
        let mut records = good.clone();
        records.insert(320, FAULTY.to_owned());
        std::fs::write(&input, records.join("\n")).unwrap();
        let job = Storages::start(Kind::Native).unwrap().job(folder.path());
        let arguments =
            ["--job", &job.address, "--input", input.to_str().unwrap(), "--output", output.to_str().unwrap()];
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let ended = Processes::start(folder.path(), layout, &arguments, &[]).wait(PATIENCE);
        assert!(
            !ended.is_finished && ended.messages.contains("it cannot count this"),
            "{layout:?}: {}",
            ended.messages
        );
        let told = ["a thread of the job panicked: ", "the connection to another process of the job was lost"];
        let told: usize = told.iter().map(|what| ended.messages.matches(what).count()).sum();
        assert_eq!(told, processes, "each says why: {layout:?}: {}", ended.messages);
        // The record was corrected, and the job continues.
        records[320] = "w0 corrected".to_owned();
        std::fs::write(&input, records.join("\n")).unwrap();
        let ended = Processes::start(folder.path(), layout, &arguments, &[]).wait(PATIENCE);
        assert!(ended.is_finished, "{layout:?}: {}", ended.messages);
        let expected = Expected::of(in_epochs(&[records], 25), 10);
        let manifest = job.status().manifest;
        assert_eq!((manifest.keys(), manifest.digest()), expected.state(), "{layout:?}");
    }
}
