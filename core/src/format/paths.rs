//! The names of files. Alluvium writes only these. Every other file in a directory is foreign: it is
//! reported and never touched.

use crate::format::segment::SegmentKind;
use crate::model::hex_digits::{parse_hex, parse_store_id};

/// What a path in the directory names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// `checkpoint_{id}/metadata.json`. Its creation is the commit.
    Metadata(u64),
    /// `checkpoint_{id}/state.bin`: the caller's opaque state.
    State(u64),
    /// `checkpoint_{id}/deleted`. The deletion of the newest checkpoint leaves it, so that the id is never
    /// reused.
    Deleted(u64),
    /// `checkpoint_{id}` itself, without any file in it. LaminarDB leaves it when it crashes.
    EmptyCheckpoint(u64),
    /// `segments/{number}-{writer}.base` or `.delta`. The writer is 0 if the name has no such part.
    Segment(SegmentKind, u64, u64),
    /// `segments/{number}-{writer}.list`: the entries of segments. The writer is 0 if the name has no such
    /// part.
    List(u64, u64),
    /// `segments/{number}-{id}.remains`: the directory was begun beside files of lost checkpoints. Their segments
    /// have numbers up to this one, and their checkpoints have ids up to this one.
    Remains(u64, u64),
    /// `wal/{checkpoint}-{sequence}.log`: changes since that checkpoint, in order of sequence.
    Wal(u64, u64),
    /// `backup-{store id}`: the directory is a backup of the one with this id, and only backups have written to it.
    Backup([u8; 16]),
    /// A file that Alluvium did not write.
    Foreign,
}

impl Name {
    /// Parses a relative path. Only the forms that [`Name::path`] returns are known; any other path is
    /// [`Foreign`](Name::Foreign).
    ///
    /// ```
    /// use alluvium_core::format::paths::Name;
    ///
    /// assert_eq!(Name::parse("checkpoint_000000000000000f/metadata.json"), Name::Metadata(15));
    /// assert_eq!(Name::parse("checkpoint_f/metadata.json"), Name::Foreign);
    /// assert_eq!(Name::parse("checkpoint_000000000000000F/metadata.json"), Name::Foreign);
    /// ```
    pub fn parse(path: &str) -> Self {
        let Some((directory, file)) = path.split_once('/') else {
            let checkpoint = path.strip_prefix("checkpoint_").and_then(parse_hex).map(Self::EmptyCheckpoint);
            let backup = || path.strip_prefix(BACKUP).and_then(parse_store_id).map(Self::Backup);
            return checkpoint.or_else(backup).unwrap_or(Self::Foreign);
        };
        if directory == "segments" {
            return Self::parse_segment(file).unwrap_or(Self::Foreign);
        }
        if directory == "wal" {
            let parsed = file.strip_suffix(".log").and_then(|numbers| numbers.split_once('-'));
            let parsed =
                parsed.and_then(|(checkpoint, sequence)| Some(Self::Wal(parse_hex(checkpoint)?, parse_hex(sequence)?)));
            return parsed.unwrap_or(Self::Foreign);
        }
        match (directory.strip_prefix("checkpoint_").and_then(parse_hex), file) {
            (Some(id), "metadata.json") => Self::Metadata(id),
            (Some(id), "state.bin") => Self::State(id),
            (Some(id), "deleted") => Self::Deleted(id),
            _ => Self::Foreign,
        }
    }

    /// Parses the name of a file under `segments/`.
    fn parse_segment(file: &str) -> Option<Self> {
        let (stem, extension) = file.split_once('.')?;
        if extension == REMAINS {
            let (number, id) = stem.split_once('-')?;
            return Some(Self::Remains(parse_hex(number)?, parse_hex(id)?));
        }
        let (number, writer) = match stem.split_once('-') {
            None => (parse_hex(stem)?, 0),
            // Writer 0 is left out, so that each file has one name.
            Some((number, writer)) => (parse_hex(number)?, parse_hex(writer).filter(|writer| *writer != 0)?),
        };
        match extension {
            LIST => Some(Self::List(number, writer)),
            _ => Some(Self::Segment(SegmentKind::from_extension(extension)?, number, writer)),
        }
    }

    /// Returns the relative path, or `None` for a foreign file.
    pub fn path(self) -> Option<String> {
        Some(match self {
            Self::Metadata(id) => metadata_path(id),
            Self::State(id) => state_path(id),
            Self::Deleted(id) => deleted_path(id),
            Self::EmptyCheckpoint(id) => format!("checkpoint_{id:016x}"),
            Self::Segment(kind, number, writer) => segment_path(kind, number, writer),
            Self::List(number, writer) => list_path(number, writer),
            Self::Remains(number, id) => remains_path(number, id),
            Self::Wal(checkpoint, sequence) => wal_path(checkpoint, sequence),
            Self::Backup(store_id) => backup_path(store_id),
            Self::Foreign => return None,
        })
    }

    /// Returns the id of the checkpoint whose directory this is in, or `None` outside of such a directory.
    pub fn checkpoint_id(self) -> Option<u64> {
        match self {
            Self::Metadata(id) | Self::State(id) | Self::Deleted(id) | Self::EmptyCheckpoint(id) => Some(id),
            Self::Segment(..)
            | Self::List(..)
            | Self::Remains(..)
            | Self::Wal(..)
            | Self::Backup(_)
            | Self::Foreign => None,
        }
    }
}

/// Returns the path of a checkpoint's metadata.
pub fn metadata_path(id: u64) -> String {
    format!("checkpoint_{id:016x}/metadata.json")
}

/// Returns the path of a checkpoint's opaque state.
pub fn state_path(id: u64) -> String {
    format!("checkpoint_{id:016x}/state.bin")
}

/// Returns the path of the marker that the deletion of the newest checkpoint leaves.
pub fn deleted_path(id: u64) -> String {
    format!("checkpoint_{id:016x}/deleted")
}

/// Returns the path of a segment. Format 2 knows no writers: 0 stands for none.
pub fn segment_path(kind: SegmentKind, number: u64, writer: u64) -> String {
    numbered(number, writer, kind.extension())
}

/// Returns the path of a list of segments.
pub fn list_path(number: u64, writer: u64) -> String {
    numbered(number, writer, LIST)
}

/// The extension of lists of segments.
const LIST: &str = "list";

/// What the name of the marker of a backup begins with.
const BACKUP: &str = "backup-";

/// The extension of the marker of a directory that was begun beside remains.
const REMAINS: &str = "remains";

/// Returns the path of the marker that a directory was begun beside the files of lost checkpoints.
pub fn remains_path(number: u64, id: u64) -> String {
    format!("segments/{number:016x}-{id:016x}.{REMAINS}")
}

fn numbered(number: u64, writer: u64, extension: &str) -> String {
    match writer {
        0 => format!("segments/{number:016x}.{extension}"),
        _ => format!("segments/{number:016x}-{writer:016x}.{extension}"),
    }
}

/// Returns the path of the marker of a backup of the directory with this id.
pub fn backup_path(store_id: [u8; 16]) -> String {
    format!("{BACKUP}{:032x}", u128::from_be_bytes(store_id))
}

/// Returns the path of a WAL file.
pub fn wal_path(checkpoint: u64, sequence: u64) -> String {
    format!("wal/{checkpoint:016x}-{sequence:016x}.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back() {
        let names = [
            Name::Metadata(1),
            Name::State(u64::MAX),
            Name::Deleted(0x1234_5678_9abc_def0),
            Name::EmptyCheckpoint(3),
            Name::Segment(SegmentKind::Base, 7, 0),
            Name::Segment(SegmentKind::Delta, u64::MAX, 1),
            Name::List(3, 0),
            Name::List(1, u64::MAX),
            Name::Remains(0, 3),
            Name::Remains(u64::MAX, 0),
            Name::Wal(7, 1),
            Name::Backup([0; 16]),
            Name::Backup(*b"alluvium-testing"),
        ];
        for name in names {
            let path = name.path().unwrap();
            assert_eq!(Name::parse(&path), name, "{path}");
        }
    }

    #[test]
    fn near_misses_are_foreign() {
        for path in [
            "",
            "metadata.json",
            "checkpoint_1",
            "checkpoint_+000000000000009/metadata.json",
            "checkpoint_00000000000000001/metadata.json",
            "checkpoint_0000000000000001/metadata.json/",
            "checkpoint_0000000000000001/../x",
            "segments/0000000000000001",
            "segments/0000000000000001.base.tmp",
            "segments/1.base",
            "segments/0000000000000001-0000000000000000.base",
            "segments/0000000000000001-0000000000000000.list",
            "segments/0000000000000001-1.base",
            "segments/0000000000000001-0000000000000001-0000000000000001.base",
            "segments/-0000000000000001.base",
            "segments/0000000000000001.log",
            "wal/0000000000000001.log",
            "wal/0000000000000001-1.log",
            "segments/000000000000000A.delta",
            "/segments/0000000000000001.base",
            "backup-",
            "backup-0000000000000000",
            "backup-0000000000000000000000000000000G",
            "backup-00000000000000000000000000000000/x",
            "segments/backup-00000000000000000000000000000000",
        ] {
            assert_eq!(Name::parse(path), Name::Foreign, "{path}");
        }
    }
}
