//! The tar format itself (POSIX ustar), as far as an archive needs it: regular files with short names. There
//! is only one way to write each of them.

use crate::error::IncrementalCheckpointError as Error;

/// What errors call the archive as a whole.
pub(super) const PLACE: &str = "archive";

/// A header and a content each fill whole blocks; the rest of the last block is zeros.
const BLOCK: usize = 512;
/// Two blocks of zeros end an archive.
const END: usize = 2 * BLOCK;

const NAME: std::ops::Range<usize> = 0..100;
const MODE: usize = 100;
const UID: usize = 108;
const GID: usize = 116;
const SIZE: std::ops::Range<usize> = 124..136;
const MTIME: usize = 136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const KIND: usize = 156;
const MAGIC: usize = 257;

/// Appends one file, without owner and time. A path or content that is too long for the format is
/// [`Serialization`](Error::Serialization).
pub(super) fn push(archive: &mut Vec<u8>, path: &str, content: &[u8]) -> Result<(), Error> {
    let mut header = [0; BLOCK];
    let mut field = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    if path.len() > NAME.len() || content.len() as u64 > 0o77_777_777_777 {
        return Err(Error::Serialization(format!(
            "{PLACE}: {path} of {} bytes does not fit the format",
            content.len()
        )));
    }
    field(0, path);
    for (at, zeros) in [(MODE, "0000644"), (UID, "0000000"), (GID, "0000000"), (MTIME, "00000000000")] {
        field(at, zeros);
    }
    field(SIZE.start, &format!("{:011o}", content.len()));
    field(KIND, "0");
    field(MAGIC, "ustar\x0000");
    let sum = sum(&header);
    header[CHECKSUM.start..CHECKSUM.end - 1].copy_from_slice(format!("{sum:07o}").as_bytes());
    archive.extend_from_slice(&header);
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    Ok(())
}

/// Appends the end of an archive.
pub(super) fn finish(archive: &mut Vec<u8>) {
    archive.resize(archive.len() + END, 0);
}

/// Returns the sum of a header's bytes. The field of the sum itself counts as spaces.
fn sum(header: &[u8]) -> u32 {
    let counted = |(at, byte): (usize, &u8)| if CHECKSUM.contains(&at) { u32::from(b' ') } else { u32::from(*byte) };
    header.iter().enumerate().map(counted).sum()
}

/// Takes the next file off the front of `rest`. Returns its path and content, or `None` at the end.
pub(super) fn take<'a>(rest: &mut &'a [u8]) -> Result<Option<(String, &'a [u8])>, Error> {
    let Some((header, after)) = rest.split_first_chunk::<BLOCK>() else {
        return Err(Error::unknown(PLACE, "not a tar file: it ends within a header"));
    };
    if header.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let octal = |field: &[u8]| {
        let digits = field.split(|byte| matches!(byte, 0 | b' ')).next().unwrap_or_default();
        std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 8).ok())
    };
    if octal(&header[CHECKSUM]) != Some(u64::from(sum(header))) {
        return Err(Error::unknown(PLACE, "not a tar file: the checksum of a header is wrong"));
    }
    let name = header[NAME].split(|byte| *byte == 0).next().unwrap_or_default();
    let path = String::from_utf8_lossy(name).into_owned();
    if header[KIND] != b'0' {
        let what = format!("{path:?} is not a regular file: its type is {:?}", char::from(header[KIND]).to_string());
        return Err(Error::unknown(PLACE, what));
    }
    // The length in the header is only a claim, so it is checked against the bytes that exist.
    let bytes = octal(&header[SIZE]).ok_or_else(|| Error::unknown(PLACE, format!("{path} has no length")))?;
    let content = usize::try_from(bytes).ok().and_then(|bytes| after.split_at_checked(bytes));
    let (content, after) =
        content.ok_or_else(|| Error::corrupt(PLACE, format!("{path} of {bytes} bytes is cut short")))?;
    *rest = after.get(content.len().next_multiple_of(BLOCK) - content.len()..).unwrap_or_default();
    Ok(Some((path, content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_a_tar_library() {
        let path = "checkpoint_0000000000000001/metadata.json";
        let mut ours = Vec::new();
        let mut theirs = tar::Builder::new(Vec::new());
        for content in [&b""[..], b"sediment", &[7; 512], &[9; 1_000]] {
            push(&mut ours, path, content).unwrap();
            let mut header = tar::Header::new_ustar();
            header.set_path(path).unwrap();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_cksum();
            theirs.append(&header, content).unwrap();
        }
        finish(&mut ours);
        assert!(ours == theirs.into_inner().unwrap());
    }

    #[test]
    fn what_was_pushed_is_taken() {
        let mut archive = Vec::new();
        push(&mut archive, "a", b"one").unwrap();
        push(&mut archive, "b/c", &[0; 600]).unwrap();
        finish(&mut archive);
        let mut rest = archive.as_slice();
        assert_eq!(take(&mut rest).unwrap(), Some(("a".into(), &b"one"[..])));
        assert_eq!(take(&mut rest).unwrap(), Some(("b/c".into(), &[0; 600][..])));
        assert_eq!((take(&mut rest).unwrap(), rest.len()), (None, END));
    }
}
