//! The second step: sorts the frozen changelog and encodes everything as files. No lock is held.

use crate::commit::prepared::PreparedCheckpoint;
use crate::commit::statistics::CheckpointStatistics;
use crate::directory::{Directory, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::{AlluviumFields, IncrementalCheckpointMetadata, METADATA_BYTES_MAX, StateFile};
use crate::format::paths::{metadata_path, state_path};
use crate::format::segment::{EncodedSegment, Encoder, SegmentIdentity, SegmentKind};
use crate::format::segment_entry::SegmentEntry;
use crate::format::segment_list::{ListChanges, SegmentList};
use crate::ledger::list_choice::ListChoice;
use crate::ledger::live_segment::LiveSegment;
use crate::ledger::replacement::Replacement;
use crate::ledger::ticket::CommitTicket;
use crate::model::hash::checksum;

/// An encoded checkpoint, before any of its files is created.
pub(crate) struct Encoded {
    /// What the checkpoint is built on.
    pub(crate) ticket: CommitTicket,
    pub(crate) metadata: IncrementalCheckpointMetadata,
    /// The segments that the checkpoint names, in the order in which recovery applies them.
    pub(crate) segments: Vec<LiveSegment>,
    /// The files to create. The metadata is the last one: its creation is the commit.
    pub(crate) batch: Vec<NewFile>,
    pub(crate) statistics: CheckpointStatistics,
}

/// How metadata names its segments.
struct NamedSegments {
    /// The list file on which the entries are based.
    list: Option<SegmentList>,
    /// What changed since it was written.
    changes: ListChanges,
    /// The list file, if it is yet to be created.
    new_list: Option<NewFile>,
}

impl<D: Directory> PreparedCheckpoint<D> {
    /// Sorts the frozen changelog and encodes the segments, the opaque state and the metadata. The directory may pause
    /// it between its steps.
    pub(crate) async fn encode(&self, mut ticket: CommitTicket) -> Result<Encoded, Error> {
        let mut statistics =
            CheckpointStatistics { id: self.id, freeze_us: self.freeze_us, ..CheckpointStatistics::default() };
        let delta = self.encode_changes(&ticket, &mut statistics).await;
        let mut segments = std::mem::take(&mut ticket.shared);
        segments.extend(delta.iter().map(LiveSegment::of_encoded));
        segments.sort_by_key(|segment| segment.entry.order());

        let entries: Vec<SegmentEntry> = segments.iter().map(|segment| segment.entry.clone()).collect();
        let named = self.name_segments(&ticket, &entries, delta.len() as u64)?;
        let new_list = named.new_list.iter().map(|file| file.content.len() as u64).sum::<u64>();
        ticket.use_numbers(delta.len() as u64 + u64::from(named.new_list.is_some()));

        let state_file = self
            .state_file
            .as_deref()
            .map(|state| StateFile { bytes: state.len() as u64, checksum: checksum(state, 0) });
        let state_file_bytes = state_file.map_or(0, |file| file.bytes);
        statistics.rebased_bytes = ticket.published.as_ref().map_or(0, Replacement::bytes);
        statistics.bytes_written = statistics.delta_bytes + statistics.rebased_bytes + state_file_bytes + new_list;
        let metadata = self.complete_metadata(&ticket, entries, named.list, state_file, &statistics);
        let json = metadata.to_stored_json(&named.changes)?;
        if json.len() as u64 > METADATA_BYTES_MAX {
            let what = format!("metadata of {} bytes: the limit is {METADATA_BYTES_MAX}", json.len());
            return Err(Error::LimitExceeded(what));
        }
        statistics.bytes_written += json.len() as u64;

        let mut batch: Vec<NewFile> = delta.into_iter().map(Into::into).collect();
        batch.extend(named.new_list);
        if let Some(state) = &self.state_file {
            batch.push(NewFile { path: state_path(self.id), content: state.clone() });
        }
        // The metadata is last: its creation is the commit.
        batch.push(NewFile { path: metadata_path(self.id), content: json.into_bytes() });
        Ok(Encoded { ticket, metadata, segments, batch, statistics })
    }

    /// Decides how the metadata names its segments. `used` of the reserved numbers are taken by segments.
    fn name_segments(
        &self,
        ticket: &CommitTicket,
        entries: &[SegmentEntry],
        used: u64,
    ) -> Result<NamedSegments, Error> {
        Ok(match ListChoice::new(ticket.list.as_ref(), entries) {
            ListChoice::Inline => {
                let changes = ListChanges { changed: entries.to_vec(), ..ListChanges::default() };
                NamedSegments { list: None, changes, new_list: None }
            }
            ListChoice::Keep(list, changes) => NamedSegments { list: Some(list), changes, new_list: None },
            ListChoice::New => {
                let number = ticket.first_number + used;
                let (list, content) = SegmentList::encode(ticket.store_id, number, ticket.writer, self.id, entries)?;
                let new_list = Some(NewFile { path: list.file.path(), content });
                NamedSegments { list: Some(list), changes: ListChanges::default(), new_list }
            }
        })
    }

    /// Encodes the newest mutation of each key.
    async fn encode_changes(
        &self,
        ticket: &CommitTicket,
        statistics: &mut CheckpointStatistics,
    ) -> Vec<EncodedSegment> {
        let identity = SegmentIdentity {
            store_id: ticket.store_id,
            kind: if ticket.is_base { SegmentKind::Base } else { SegmentKind::Delta },
            number: ticket.first_number,
            writer: ticket.writer,
            checkpoint_id: self.id,
            ..SegmentIdentity::default()
        };
        let mut sorting = self.frozen().sorting();
        while sorting.step() {
            self.directory.pause().await;
        }
        let mut encoder = Encoder::new(identity, self.frozen().encoded_bytes());
        for record in sorting.newest() {
            statistics.keys_changed += 1;
            statistics.tombstones += u64::from(record.value.is_none());
            statistics.bytes_changed += record.payload_bytes() as u64;
            if encoder.push(&record) {
                self.directory.pause().await;
            }
        }
        let delta = encoder.finish();
        statistics.delta_bytes = delta.iter().map(|file| file.content.len() as u64).sum();
        delta
    }

    /// Returns the metadata with every field set.
    fn complete_metadata(
        &self,
        ticket: &CommitTicket,
        entries: Vec<SegmentEntry>,
        list: Option<SegmentList>,
        state_file: Option<StateFile>,
        statistics: &CheckpointStatistics,
    ) -> IncrementalCheckpointMetadata {
        let position = self.position.clone();
        let segment_bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        let list_bytes = list.as_ref().map_or(0, |list| list.file.bytes);
        IncrementalCheckpointMetadata {
            size_bytes: segment_bytes + list_bytes + state_file.map_or(0, |file| file.bytes),
            is_incremental: entries.iter().any(|entry| entry.store.is_some() || entry.checkpoint_id != self.id),
            sst_files: SegmentEntry::own_paths(&entries),
            alluvium: Some(AlluviumFields {
                store_id: ticket.store_id,
                writer: ticket.writer,
                timestamp_ms: self.timestamp_ms,
                keys_changed: statistics.keys_changed,
                tombstones: statistics.tombstones,
                bytes_changed: statistics.bytes_changed,
                bytes_written: statistics.bytes_written,
                state_bytes: self.totals.bytes,
                state_digest: self.totals.digest,
                segments: entries,
                list,
                state_file,
                annotations: position.annotations,
                positions: position.positions,
                watermarks: position.watermarks,
                processing_time_ms: position.processing_time_ms,
                sinks: position.sinks,
                namespaces: self.namespaces.clone(),
                kept: ticket.standing.kept.clone(),
                range: ticket.standing.range,
                ..AlluviumFields::default()
            }),
            ..self.metadata()
        }
    }
}
