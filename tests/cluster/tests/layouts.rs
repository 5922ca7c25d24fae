//! The number of workers changes neither the state nor the output, not by a byte.

use alluvium_test_cluster::expected::{Expected, in_epochs};
use alluvium_test_cluster::processes::{Layout, PATIENCE, Processes};
use alluvium_test_cluster::storage::{Kind, Storages};

#[test]
fn any_number_of_workers_gives_the_same_output_and_state() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut record = |at: usize| format!("w{} {at}", random.u8(..25));
    let partitions: Vec<Vec<String>> =
        (0..5).map(|partition| (0..700 + 190 * partition).map(&mut record).collect()).collect();
    let expected = Expected::of(in_epochs(&partitions, 25), 10);
    for (processes, threads) in [(1, 1), (1, 3), (2, 1), (3, 2)] {
        let layout = Layout { processes, threads };
        let folder = tempfile::tempdir().unwrap();
        for (partition, records) in partitions.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{partition}.in")), records.join("\n")).unwrap();
        }
        let job = Storages::start(Kind::Native).unwrap().job(folder.path());
        let (input, output) = (folder.path().join("*.in"), folder.path().join("out"));
        let arguments =
            ["--job", &job.address, "--input", input.to_str().unwrap(), "--output", output.to_str().unwrap()];
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let run = || Processes::start(folder.path(), layout, &arguments, &[]).wait(PATIENCE);
        let ended = run();
        assert!(ended.is_finished, "{layout:?}: {}", ended.messages);
        let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(std::fs::read_to_string(&output).unwrap()), expected.output, "{layout:?}");
        let manifest = job.status().manifest;
        assert_eq!((manifest.keys(), manifest.digest()), expected.state(), "{layout:?}");
        // A job that has finished has nothing to do, and says so.
        let again = run();
        assert!(again.is_finished && again.messages.contains("generation=0"), "{layout:?}: {}", again.messages);
    }
}
