//! Scenarios 5 and 6: damage to golden directories, bit by bit and cut by cut.

use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_test_harness::damage::{directories, is_named, never_wrong};
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Expected, Files, fixture, keep, memory, open_with, options};

/// Every file with its length, in one line of bytes, so that a number picks a byte of it.
fn line(directories: &[(Golden, Vec<String>)]) -> Vec<(usize, String, usize)> {
    let files = |(at, (golden, paths)): (usize, &(Golden, Vec<String>))| {
        paths.iter().map(|path| (at, path.clone(), golden.files[path].len())).collect::<Vec<_>>()
    };
    directories.iter().enumerate().flat_map(files).collect()
}

fn pick(line: &[(usize, String, usize)], mut number: usize) -> (usize, &str, usize) {
    for (at, path, length) in line {
        // One more than the length: a file can also be cut to all of its bytes but none.
        if number < *length {
            return (*at, path, number);
        }
        number -= length;
    }
    (line[0].0, &line[0].1, 0)
}

/// Scenario 5: every bit of every file of the golden directories.
pub fn flips(budget: Budget) -> Tally {
    let mut tally = Tally::new(5, "every bit flipped", "flips");
    let directories = directories();
    let line = line(&directories);
    let all = line.iter().map(|(_, _, length)| *length as u64 * 8).sum::<u64>();
    for (cases, bit) in (0..).zip(budget.order(all).iter()) {
        if !budget.allows(cases) {
            break;
        }
        let bit = bit as usize;
        let (at, path, byte) = pick(&line, bit / 8);
        let golden = &directories[at].0;
        let mut files = golden.files.clone();
        if let Some(content) = files.get_mut(path) {
            content[byte] ^= 1 << (bit % 8);
        }
        let outcome = guarded(|| never_wrong(golden, &files).and_then(|()| is_named(&files, path)));
        tally.note(outcome.map_err(|what| format!("{}/{path}: bit {} of byte {byte}: {what}", golden.name, bit % 8)));
    }
    tally
}

/// Scenario 6: cuts, appended bytes, sectors zeroed and swapped, files swapped and replaced by older ones.
pub fn cuts_and_swaps(budget: Budget) -> Tally {
    let mut tally = Tally::new(6, "files cut, extended, torn, swapped, replaced", "edits");
    laminar_states_cut(&mut tally);
    logs_cut(&mut tally);
    let directories = directories();
    let line = line(&directories);
    let bytes = line.iter().map(|(_, _, length)| *length as u64).sum::<u64>();
    for (cases, case) in (0..).zip(budget.order(bytes * 6).iter()) {
        if !budget.allows(cases) {
            break;
        }
        let (at, path, byte) = pick(&line, usize::try_from(case / 6).unwrap_or_default());
        let golden = &directories[at].0;
        let (files, how) = edited(&directories, at, path, byte, case % 6);
        if files == golden.files {
            continue;
        }
        let outcome = guarded(|| {
            never_wrong(golden, &files)?;
            // A file from elsewhere is found out when it is read; a log that is torn is no damage.
            let is_torn_log = path.starts_with("wal/") && how == "cut";
            if how == "replaced" || is_torn_log { Ok(()) } else { is_named(&files, path) }
        });
        tally.note(outcome.map_err(|what| format!("{}/{path}: {how} at {byte}: {what}", golden.name)));
    }
    tally
}

fn edited(
    directories: &[(Golden, Vec<String>)],
    at: usize,
    path: &str,
    byte: usize,
    how: u64,
) -> (Files, &'static str) {
    let (golden, paths) = &directories[at];
    let mut files = golden.files.clone();
    let mut content = files.remove(path).unwrap_or_default();
    let sector = byte / 64 * 64..(byte / 64 * 64 + 64).min(content.len());
    let what = match how {
        0 => {
            content.truncate(byte);
            "cut"
        }
        1 => {
            content.extend(std::iter::repeat_n((byte % 256) as u8, 1 + byte % 600));
            "appended to"
        }
        2 => {
            content[sector].fill(0);
            "zeroed"
        }
        3 => {
            if sector.end + 64 <= content.len() {
                let (left, right) = content[sector.start..].split_at_mut(64);
                left.swap_with_slice(&mut right[..64]);
            }
            "sectors swapped"
        }
        4 => {
            let other = &paths[byte % paths.len()];
            if let Some(swapped) = files.get_mut(other).filter(|_| other != path) {
                std::mem::swap(swapped, &mut content);
            }
            "swapped"
        }
        _ => {
            // The same name in another directory, of the same store even: an older or younger file.
            let (other, _) = &directories[byte % directories.len()];
            if let Some(replaced) = other.files.get(path).filter(|_| !path.ends_with("metadata.json")) {
                content.clone_from(replaced);
            }
            "replaced"
        }
    };
    files.insert(path.to_owned(), content);
    (files, what)
}

/// LaminarDB's opaque state has no checksum, but a length: every cut of it is found.
fn laminar_states_cut(tally: &mut Tally) {
    for name in ["opaque", "snapshot"] {
        let whole = fixture(name).to_files();
        let states = whole.iter().filter(|(path, content)| path.ends_with("state.bin") && !content.is_empty());
        for (path, content) in states {
            let id = u64::from_str_radix(&path["checkpoint_".len()..][..16], 16).unwrap_or_default();
            for length in 0..content.len() {
                let mut files = whole.clone();
                files.insert(path.clone(), content[..length].to_vec());
                let directory = memory(files);
                let outcome = guarded(|| match block_on(alluvium_core::tools::inspect::load_state(&*directory, id)) {
                    Ok(_) => {
                        Err(format!("a tail was torn off at {length} of {} and that was not noticed", content.len()))
                    }
                    Err(_) => Ok(()),
                });
                tally.note(outcome.map_err(|what| format!("laminar {name}/{path}: {what}")));
            }
        }
    }
}

/// Three logs after a checkpoint, each cut at every length. A torn tail is cut, and said to be; a log
/// that was torn with others after it is an error that names it.
fn logs_cut(tally: &mut Tally) {
    let (directory, mut manager) = alluvium_test_harness::fresh();
    let mut checkpoints = Vec::new();
    let mut work = || {
        manager.put(b"bed", b"gravel")?;
        block_on(manager.create_checkpoint(1))?;
        checkpoints.push(Expected::of(&manager));
        for position in 2..=4_u64 {
            manager.put(format!("layer {position}").as_bytes(), b"silt")?;
            manager.set_source_offset("input", position)?;
            block_on(manager.sync(position))?;
            checkpoints.push(Expected::of(&manager));
        }
        Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    };
    if let Err(error) = work() {
        return tally.note(Err(format!("logs without any fault: {error}")));
    }
    let whole = directory.to_files();
    let logs: Vec<&String> = whole.keys().filter(|path| path.starts_with("wal/")).collect();
    for (at, path) in logs.iter().enumerate() {
        for length in 0..whole[*path].len() {
            let mut files = whole.clone();
            files.insert((*path).clone(), whole[*path][..length].to_vec());
            let outcome = guarded(|| log_cut(&memory(files), &checkpoints, at, at + 1 == logs.len()));
            tally.note(outcome.map_err(|what| format!("{path} cut to {length} bytes: {what}")));
        }
    }
    tally.note(if logs.len() == 3 { Ok(()) } else { Err(format!("three logs expected: {logs:?}")) });
}

fn log_cut(directory: &Arc<MemoryDirectory>, checkpoints: &[Expected], at: usize, is_last: bool) -> Result<(), String> {
    match open_with(directory, keep(10), options()) {
        Err(error) if is_last => Err(format!("a torn tail is an error: {error}")),
        Err(_) => Ok(()),
        Ok(_) if !is_last => Err("durable logs after it were dropped without a word".into()),
        Ok(mut manager) => {
            if Expected::of(&manager) != checkpoints[at] {
                return Err(format!("{:?} came back", Expected::of(&manager)));
            }
            if manager.recovered().is_none_or(|recovered| recovered.wal_cut.is_none()) {
                return Err("the cut is not reported".into());
            }
            // The directory stays usable: what is written behind the torn tail is whole.
            manager.put(b"after", b"the tear").map_err(|error| error.to_string())?;
            block_on(manager.sync(9)).map_err(|error| format!("no sync behind the torn tail: {error}"))?;
            let expected = Expected::of(&manager);
            let found = open_with(directory, keep(10), options()).map_err(|error| error.to_string())?;
            if Expected::of(&found) == expected { Ok(()) } else { Err("what was synced behind it is gone".into()) }
        }
    }
}
