//! What an honest worker's answers look like, whatever they say.

use crate::description::Output;
use crate::emitted::Emitted;
use crate::engine::Recovery;
use crate::isolated::records::SentRecords;
use crate::text::{cut, is_plain};

/// Cuts the texts of a recovery.
pub(super) fn recovery(mut recovery: Recovery) -> Recovery {
    recovery.wal_cut = recovery.wal_cut.map(cut);
    for skipped in &mut recovery.skipped {
        skipped.reason = cut(std::mem::take(&mut skipped.reason));
    }
    recovery
}

/// Reads lines of results, which may take so many bytes of memory. How many there may be, and in which order, is the
/// same for every plugin.
pub(super) fn lines(sent: &SentRecords, bytes_max: usize) -> Result<Vec<String>, String> {
    let takes = sent.records()?.map(|line| line.len() + size_of::<String>()).sum::<usize>();
    if takes > bytes_max {
        return Err(format!("results that take {takes} bytes of memory, where they may take {bytes_max}"));
    }
    let read = |line: &[u8]| {
        let line = std::str::from_utf8(line).map_err(|_| "results that are no text")?;
        // An honest worker has made them so.
        if is_plain(line) { Ok(line.to_owned()) } else { Err("results that are no lines to be shown") }
    };
    Ok(sent.records()?.map(read).collect::<Result<_, _>>()?)
}

/// Reads what was emitted, and puts it behind what is there. Returns how many bytes it is.
pub(super) fn emitted(sent: &[SentRecords], outputs: &[Output], waiting: &mut [Emitted]) -> Result<u64, String> {
    if sent.len() != outputs.len() || waiting.len() != outputs.len() {
        return Err(format!("records for {} outputs, where there are {}", sent.len(), outputs.len()));
    }
    let mut bytes = 0;
    for (sent, waiting) in sent.iter().zip(waiting) {
        let before = waiting.bytes().len();
        sent.records()?.try_for_each(|record| waiting.push(record))?;
        bytes += (waiting.bytes().len() - before) as u64;
    }
    Ok(bytes)
}
