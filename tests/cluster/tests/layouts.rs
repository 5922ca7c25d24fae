//! The number of workers changes neither the state nor the output, not by a byte.

use alluvium_test_cluster::counts::{KEYLESS, REFUSED};
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

#[test]
fn records_that_are_refused_are_left_out_alike_by_any_number_of_workers() {
    const EPOCH_RECORDS: usize = 25;
    let mut random = fastrand::Rng::with_seed(11);
    let mut record = |at: usize| match random.u8(..20) {
        0 => format!("{KEYLESS} {at}"),
        1 | 2 => format!("w{} {at}{REFUSED}", random.u8(..9)),
        _ => format!("w{} {at}", random.u8(..9)),
    };
    let partitions: Vec<Vec<String>> =
        (0..3).map(|partition| (0..400 + 90 * partition).map(&mut record).collect()).collect();
    let is_good = |record: &&String| !record.starts_with(KEYLESS) && !record.ends_with(REFUSED);
    let expected = Expected::of(in_epochs(&partitions, EPOCH_RECORDS).into_iter().filter(is_good), 10);
    let letters = dead_letters(&partitions, EPOCH_RECORDS);
    assert!(letters.len() > 100 && letters.iter().any(|letter| letter.contains("no key")), "{letters:?}");
    for (before, after) in [((1, 1), (1, 1)), ((1, 2), (2, 2)), ((3, 1), (1, 1))] {
        let folder = tempfile::tempdir().unwrap();
        for (partition, records) in partitions.iter().enumerate() {
            std::fs::write(folder.path().join(format!("{partition}.in")), records.join("\n")).unwrap();
        }
        let job = Storages::start(Kind::Native).unwrap().job(folder.path());
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (input, output, dead) = (path("*.in"), path("out"), path("dead"));
        let arguments = ["--job", &job.address, "--input", &input, "--output", &output, "--dead-letters", &dead];
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let layout = |(processes, threads)| Layout { processes, threads };
        let mut first = Processes::start(folder.path(), layout(before), &arguments, &[]);
        assert!(first.wait_for_epochs(5), "{before:?}");
        first.kill_all();
        let ended = Processes::start(folder.path(), layout(after), &arguments, &[]).wait(PATIENCE);
        assert!(ended.is_finished, "{before:?}: {}", ended.messages);
        let lines = |path| std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(&output), expected.output, "{before:?}");
        assert_eq!(lines(&dead), letters, "{before:?}");
        let manifest = job.status().manifest;
        assert_eq!((manifest.keys(), manifest.digest()), expected.state(), "{before:?}");
    }
}

/// Returns what is written of the records that are refused, in the order of epoch, partition and number.
fn dead_letters(partitions: &[Vec<String>], epoch_records: usize) -> Vec<String> {
    let mut letters = Vec::new();
    for (partition, records) in partitions.iter().enumerate() {
        for (at, record) in records.iter().enumerate() {
            let why = if record.starts_with(KEYLESS) {
                "it has no key"
            } else if record.ends_with(REFUSED) {
                "it says so"
            } else {
                continue;
            };
            let (epoch, number) = (at / epoch_records + 1, at % epoch_records + 1);
            letters.push((epoch, format!("{partition}.in {epoch} {number} {}: {why}: {record}", at + 1)));
        }
    }
    letters.sort_by_key(|(epoch, _)| *epoch);
    letters.into_iter().map(|(_, letter)| letter).collect()
}
