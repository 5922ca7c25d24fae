//! Segments as compaction and garbage collection see them: an entry of the metadata, its chunk table, and
//! the key groups that still count.

use std::sync::Arc;

use crate::directory::NewFile;
use crate::format::paths::segment_path;
use crate::format::segment::{Chunk, EncodedSegment, SegmentIdentity};
use crate::format::segment_entry::SegmentEntry;
use crate::model::key_groups::KeyGroups;

/// A segment of the newest checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct LiveSegment {
    /// What the metadata says about it.
    pub(crate) entry: SegmentEntry,
    /// Its chunk table.
    pub(crate) chunks: Arc<[Chunk]>,
}

impl LiveSegment {
    /// Returns the segment that `encoded` will be once its file is created.
    pub(crate) fn of_encoded(encoded: &EncodedSegment) -> Self {
        let mut groups = KeyGroups::NONE;
        if let (Some(first), Some(last)) = (encoded.chunks.first(), encoded.chunks.last()) {
            groups = KeyGroups::range(first.first_group(), last.last_group());
        }
        let entry = SegmentEntry {
            format: encoded.identity.format,
            kind: encoded.identity.kind,
            number: encoded.identity.number,
            writer: encoded.identity.writer,
            store: None,
            checkpoint_id: encoded.identity.checkpoint_id,
            bytes: encoded.content.len() as u64,
            checksum: encoded.checksum,
            chunks: encoded.chunks.len() as u32,
            groups: groups.to_ranges(),
            range: None,
        };
        Self { entry, chunks: encoded.chunks.as_slice().into() }
    }

    /// Returns the key groups that still count.
    pub(crate) fn groups(&self) -> KeyGroups {
        KeyGroups::of_ranges(&self.entry.groups)
    }

    /// Returns how many bytes the chunks have that hold any of `groups`.
    pub(crate) fn bytes_for(&self, groups: KeyGroups) -> u64 {
        let Some(wanted) = self.entry.live().intersection(groups.into()) else { return 0 };
        let touched = self.chunks.iter().filter(|chunk| wanted.touches(chunk.first_hash, chunk.last_hash));
        touched.map(|chunk| u64::from(chunk.bytes)).sum()
    }
}

impl From<EncodedSegment> for NewFile {
    fn from(file: EncodedSegment) -> Self {
        let SegmentIdentity { kind, number, writer, .. } = file.identity;
        Self { path: segment_path(kind, number, writer), content: file.content }
    }
}
