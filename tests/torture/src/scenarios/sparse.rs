//! Scenario 21: sparse files. Their length says nothing about what is in them, so neither memory nor reading
//! may follow it.

use std::fs::{self, OpenOptions as FileOptions};
use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::block_on;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::{diff::diff, inspect, verify::verify};
use alluvium_core::{archive, gc};
use alluvium_test_harness::allocation::largest_block;
use alluvium_test_harness::faulty::FaultyDirectory;
use alluvium_test_harness::golden::{Golden, all};
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Expected, keep, open_with, options, scratch, store};

/// How long the files claim to be: a length that can still be read by mistake, and one that cannot.
const LENGTHS: [u64; 2] = [256 << 20, 1 << 40];

/// What one call may ask of the allocator at once, whatever the directory claims.
const BLOCK_BYTES_MAX: usize = 16 << 20;

/// What one call may read of a golden directory, of which the files have some KiB together.
const READ_BYTES_MAX: u64 = 16 << 20;

/// Names that are in no golden directory, each with whether a checkpoint is lost if it is sparse.
const MORE: [(&str, bool); 6] = [
    ("segments/00000000000000ff.delta", false),
    ("checkpoint_00000000000000fe/state.bin", false),
    ("checkpoint_00000000000000fe/deleted", false),
    ("checkpoint_00000000000000ff/metadata.json", true),
    ("notes.txt", false),
    (".tmp-1", false),
];

/// One file that becomes sparse.
#[derive(Debug, Clone)]
struct Case {
    golden: usize,
    path: String,
    /// Whether its content stays, and the hole comes after it.
    extends: bool,
    /// Whether the directory may open as if nothing were wrong.
    opens: bool,
}

fn cases(goldens: &[Golden]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (golden, directory) in goldens.iter().enumerate() {
        for path in directory.files.keys() {
            // Whether the newest checkpoint needs it is found out by recovery.
            cases.extend([false, true].map(|extends| Case { golden, path: path.clone(), extends, opens: true }));
        }
        let more = MORE.map(|(path, loses)| (path.to_owned(), !loses));
        let next_log = format!("wal/{:016x}-{:016x}.log", directory.latest(), directory.logged.len() + 1);
        let more = more.into_iter().chain([(next_log, false)]);
        cases.extend(more.map(|(path, opens)| Case { golden, path, extends: false, opens }));
    }
    cases
}

/// Scenario 21.
pub fn sparse_files(budget: Budget) -> Tally {
    let mut tally = Tally::new(21, "sparse files: bounded by what is read", "directories");
    if let Err(error) = scratch() {
        return tally.skip(format!("no scratch directory: {error}"));
    }
    let goldens = all();
    let cases = cases(&goldens);
    for (done, at) in (0..).zip(budget.order(cases.len() as u64).iter()) {
        if !budget.allows(done) {
            break;
        }
        let case = &cases[at as usize];
        let outcome = LENGTHS.iter().try_for_each(|length| {
            guarded(|| sparse(&goldens[case.golden], case, *length)).map_err(|what| format!("{length} bytes: {what}"))
        });
        tally.note(outcome.map_err(|what| format!("{}, {case:?}: {what}", goldens[case.golden].name)));
    }
    tally
}

fn make(root: &Path, case: &Case, length: u64) -> std::io::Result<()> {
    let path = root.join(&case.path);
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    FileOptions::new().create(true).write(true).truncate(!case.extends).open(path)?.set_len(length)
}

fn sparse(golden: &Golden, case: &Case, length: u64) -> Result<(), String> {
    let scratch = scratch().map_err(|error| error.to_string())?;
    let root = scratch.path().join("run");
    store(&root, &golden.files);
    make(&root, case, length).map_err(|error| format!("no sparse file can be made: {error}"))?;
    let native = NativeDirectory::open(&root).map_err(|error| error.to_string())?;
    let directory = Arc::new(FaultyDirectory::over(Arc::new(native)));
    let reader = &*directory;
    let latest = golden.latest();

    let opened = bounded(reader, "opening", || open_with(&directory, keep(10), options()))?;
    if let Ok(manager) = &opened {
        let (found, expected) = (Expected::of(manager), golden.expected(latest, golden.logged.len()));
        if found != *expected || !case.opens {
            return Err(format!("it opened with {found:?}"));
        }
    }
    let fallback = || open_with(&directory, keep(10), options().allow_fallback(true)).map(drop);
    let _ = bounded(reader, "opening with fallback", fallback)?;
    let report = bounded(reader, "verify", || block_on(verify(reader)))?.map_err(|error| error.to_string())?;
    if opened.is_err() && !report.is_damaged() {
        return Err(format!("it does not open, and verify finds nothing: {:?}", opened.map(drop)));
    }
    let _ = bounded(reader, "recovery", || block_on(recover(reader, &RecoverOptions::new())).map(drop))?;
    let _ = bounded(reader, "the list", || block_on(inspect::list_checkpoints(reader)).map(drop))?;
    let _ = bounded(reader, "garbage collection", || block_on(gc::plan(reader, Some(1))).map(drop))?;
    for id in golden.checkpoints.keys() {
        let _ = bounded(reader, "the state", || block_on(inspect::load_state(reader, *id)).map(drop))?;
        let _ = bounded(reader, "export", || block_on(archive::export(reader, Some(*id))).map(drop))?;
        let _ = bounded(reader, "diff", || block_on(diff(reader, *id, latest)).map(drop))?;
    }
    Ok(())
}

/// Runs `call`, and is an error if it asks for a large block or reads much.
fn bounded<T>(directory: &FaultyDirectory<NativeDirectory>, what: &str, call: impl FnOnce() -> T) -> Result<T, String> {
    directory.take_calls();
    let (result, largest) = largest_block(call);
    let read = directory.take_calls().bytes_read;
    if largest > BLOCK_BYTES_MAX {
        return Err(format!("{what} asked for {largest} bytes at once"));
    }
    if read > READ_BYTES_MAX {
        return Err(format!("{what} read {read} bytes"));
    }
    Ok(result)
}
