//! Forged directories: made to hurt, with checksums that hold, and refused all the same.

use alluvium_core::directory::block_on;
use alluvium_core::model::hash::checksum;
use alluvium_core::tools::verify::verify;
use alluvium_core::{IncrementalCheckpointError as Error, gc};

use crate::allocation::largest_block;
use crate::{Files, memory, open};

/// What one call may ask of the allocator at once, however much a small directory claims: the state's
/// first arena and then some.
pub const BLOCK_BYTES_MAX: usize = 16 << 20;

/// The metadata of the golden directory `small`, which is the one that is forged.
pub const METADATA: &str = "checkpoint_0000000000000001/metadata.json";

/// Names of segments, as JSON spells them, that no directory may follow or take for its own.
pub const NAMES_THAT_LEAD_ELSEWHERE: [&str; 15] = [
    "../../etc/passwd",
    "/etc/passwd",
    "C:/segments",
    "segments/../../etc/passwd",
    "segments/CON",
    "segments/0000000000000001.BASE",
    "SEGMENTS/0000000000000001.base",
    "segments//0000000000000001.base",
    "segments/0000000000000001.base/",
    "segments\\\\0000000000000001.base",
    "segments/0000000000000001.base\\u0000",
    METADATA,
    "",
    ".",
    "..",
];

/// Recomputes the checksum over edited metadata, so that only the content can be refused.
pub fn sealed(json: &str) -> Vec<u8> {
    let covered = json.len() - 16 - "\"\n}".len();
    format!("{}{:016x}\"\n}}", &json[..covered], checksum(&json.as_bytes()[..covered], 0)).into_bytes()
}

/// Runs `call`, and is an error if it asks for a large block.
pub fn bounded<T>(what: &str, call: impl FnOnce() -> T) -> Result<T, String> {
    let (result, largest) = largest_block(call);
    if largest <= BLOCK_BYTES_MAX { Ok(result) } else { Err(format!("{what} asked for {largest} bytes at once")) }
}

/// Holds everything that reads to refusing `files` with an error: without asking for much memory, and
/// without taking anything from the directory. Returns what opening was told.
pub fn refused(files: Files) -> Result<Error, String> {
    let directory = memory(files);
    let Err(told) = bounded("opening", || open(&directory).map(drop))? else { return Err("it opened".into()) };
    let report = bounded("verify", || block_on(verify(&*directory)))?.map_err(|error| format!("verify: {error}"))?;
    if !report.is_damaged() {
        return Err("verify finds nothing".into());
    }
    // What cannot be understood must not be taken for garbage either.
    let before = directory.to_files();
    if let Ok(plan) = bounded("garbage collection", || block_on(gc::plan(&*directory, None)))? {
        let lost = plan.files.iter().find(|verdict| verdict.path.starts_with("segments/") && !verdict.keep);
        if let Some(verdict) = lost {
            return Err(format!("{verdict:?} may belong to the checkpoint that cannot be read"));
        }
    }
    if directory.to_files() == before { Ok(told) } else { Err("reading changed the directory".into()) }
}
