//! Opens a directory, and makes a recovered checkpoint the working state.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::config::{CheckpointConfig, Counts, OpenOptions};
use crate::directory::{Directory, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::AlluviumFields;
use crate::format::paths::backup_path;
use crate::format::version::FormatVersion;
use crate::ledger::Ledger;
use crate::ledger::listing::Listing;
use crate::ledger::lost::check_not_lost;
use crate::ledger::standing::{Standing, standing_in};
use crate::ledger::ticket::Foundation;
use crate::maintenance::beginning::mark_begun_beside;
use crate::manager::live_state::{Lineage, LiveState, Observed, WalCursor};
use crate::manager::summary::RecoverySummary;
use crate::manager::types::IncrementalCheckpointManager;
use crate::manager::undo::Undo;
use crate::namespaces::Totals;
use crate::recovery::recover::recover_current;
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint};

/// A recovered checkpoint, taken apart.
pub(super) struct Adopted {
    pub(super) live: LiveState,
    pub(super) foundation: Foundation,
    pub(super) summary: RecoverySummary,
    /// Whether a WAL file may follow. None may follow a torn one, or a checkpoint of an older format. A new
    /// checkpoint must come first.
    pub(super) can_follow: bool,
}

impl From<RecoveredCheckpoint> for Adopted {
    fn from(recovered: RecoveredCheckpoint) -> Self {
        let position = recovered.position();
        let is_newest_format = |fields: &AlluviumFields| fields.format == FormatVersion::default();
        let RecoveredCheckpoint { metadata, state, mut spaces, skipped, bytes_read, segments, wal } = recovered;
        spaces.keep_in_order();
        let owned = metadata.alluvium.as_ref().and_then(|fields| fields.range).unwrap_or_default();
        Self {
            summary: RecoverySummary {
                checkpoint_id: metadata.id,
                skipped,
                key_count: Totals::of(&state, &spaces).keys,
                bytes_read,
                wal_entries: wal.entries,
                wal_cut: wal.cut.clone(),
                is_laminar: metadata.alluvium.is_none(),
            },
            can_follow: metadata.alluvium.as_ref().is_some_and(is_newest_format) && wal.cut.is_none(),
            live: LiveState { state, spaces, changes: wal.mutations, position, undo: Undo::default(), owned },
            foundation: Foundation {
                source: Some(metadata.id),
                segments,
                standing: metadata.alluvium.as_ref().map(|fields| (Standing::of(fields), fields.store_id)),
                list: metadata.alluvium.and_then(|fields| fields.list),
            },
        }
    }
}

impl<D: Directory> IncrementalCheckpointManager<D> {
    /// Opens a directory and recovers its newest checkpoint and the WAL after it. If the directory has no
    /// checkpoint and the options [allow creating one](OpenOptions::create), the manager starts empty.
    ///
    /// Opening only reads, except as [`begin_beside_remains`](OpenOptions::begin_beside_remains) says. The first
    /// write is the first checkpoint or sync. Only a [backup](crate::tools::backup) is changed: the file that marks it
    /// goes, because it is a directory of its own from now on.
    ///
    /// - Settings that cannot work are [`InvalidConfig`](Error::InvalidConfig).
    /// - A directory without a checkpoint is [`NotFound`](Error::NotFound) if the options do not allow creating
    ///   one.
    /// - A directory that holds files of checkpoints and no checkpoint is
    ///   [`CheckpointsLost`](Error::CheckpointsLost): it is half of a copy, or its metadata was lost.
    /// - A damaged newest checkpoint is an error that names the place, unless the options
    ///   [allow falling back](OpenOptions::allow_fallback) to an older one.
    pub async fn open(directory: Arc<D>, config: CheckpointConfig, options: OpenOptions) -> Result<Self, Error> {
        Self::open_with(directory, Stores::new(), config, options).await
    }

    /// Opens a directory some of whose segments are in other directories: `stores` has these by their ids.
    /// Nothing is ever written to them.
    ///
    /// The errors are those of [`open`](Self::open). A segment in a directory that is not among them is
    /// [`InvalidInput`](Error::InvalidInput), and the error names both.
    pub async fn open_with(
        directory: Arc<D>,
        stores: Stores<D>,
        config: CheckpointConfig,
        options: OpenOptions,
    ) -> Result<Self, Error> {
        config.validate()?;
        if options.counts == Counts::NamedElsewhere {
            let what =
                "only a directory that begins with parts of others can have checkpoints that are named elsewhere";
            return Err(Error::InvalidInput(what.into()));
        }
        let mut listing = Listing::take(&*directory).await?;
        if options.begin_beside_remains && check_not_lost(&*directory, &mut listing).await.is_err() {
            mark_begun_beside(&*directory, &listing).await?;
            listing = Listing::take(&*directory).await?;
        }
        let recover_options =
            RecoverOptions::new().checkpoint(options.checkpoint).allow_fallback(options.allow_fallback);
        let recovered = recover_current(&*directory, &stores, &recover_options, &mut listing).await?;
        if recovered.is_none() && !options.create && !options.begin_beside_remains {
            return Err(Error::NotFound(
                "the directory holds no checkpoint, and the options do not allow creating one".into(),
            ));
        }
        if !listing.backup_of.is_empty() {
            // Before anything is written: the next backup would take what this writer writes for garbage.
            let marks: Vec<String> = listing.backup_of.iter().copied().map(backup_path).collect();
            directory.delete(&marks).await?;
        }
        let mut manager = Self::empty(directory, stores, config, options, &listing)?;
        if let Some(recovered) = recovered {
            let id = recovered.metadata.id;
            let last_wal_sequence = listing.last_wal_sequence(id);
            let is_replayed = recovered.wal.files == last_wal_sequence;
            manager.ledger.lock().wal_sequence = last_wal_sequence;
            manager.wal.bytes = listing.wal_bytes(id);
            manager.adopt(recovered);
            manager.ledger.lock().standing.kept.retain(|id| listing.checkpoints.contains(id));
            if listing.checkpoints.last() != Some(&id) {
                // What the caller asked to be kept does not go back to an earlier moment.
                let newest = standing_in(&*manager.directory, &listing, listing.checkpoints.iter()).await?;
                manager.ledger.lock().standing.kept = newest.kept;
                // Nor do the ids of namespaces.
                let declared = manager.live.spaces.declared().and(&newest.namespaces)?;
                manager.live.spaces.declare(declared, None);
            }
            if listing.checkpoints.last() != Some(&id) || listing.marked.contains(&id) || !is_replayed {
                // Recovery starts from the newest checkpoint, so it would not find a WAL file after an older
                // one. A WAL file must not follow a checkpoint that another writer is deleting either, nor WAL
                // files that were not replayed.
                manager.wal.base = None;
            }
        }
        Ok(manager)
    }

    /// Returns a manager of an empty state for a directory that was just listed.
    pub(super) fn empty(
        directory: Arc<D>,
        stores: Stores<D>,
        config: CheckpointConfig,
        options: OpenOptions,
        listing: &Listing,
    ) -> Result<Self, Error> {
        let next_number = listing
            .highest_number
            .checked_add(1)
            .ok_or_else(|| Error::LimitExceeded("segment numbers are used up".into()))?;
        let ledger =
            Arc::new(Ledger::new(options.store_id, next_number, listing, !config.truncate_wal, options.counts));
        ledger.lock().writer = options.writer;
        Ok(Self {
            directory,
            stores,
            config,
            clock: SharedClock(options.clock),
            live: LiveState::default(),
            lineage: Lineage { next_id: listing.highest_id.checked_add(1), ..Lineage::default() },
            wal: WalCursor::default(),
            ledger,
            in_flight: Arc::default(),
            observed: Observed::default(),
        })
    }

    /// Makes a recovered checkpoint the one that work continues from.
    fn adopt(&mut self, recovered: RecoveredCheckpoint) {
        self.observed.last_checkpoint_us = self.monotonic_us_of(recovered.metadata.timestamp_ms());
        let Adopted { live, foundation, summary, can_follow } = Adopted::from(recovered);
        let id = summary.checkpoint_id;
        self.wal.base = can_follow.then_some(id);
        self.in_flight.follow(id);
        self.lineage.latest = Some(id);
        self.lineage.parent = Some(id);
        self.observed.recovered = Some(summary);
        self.live = live;
        self.live.changes.mark_synced();
        let mut pages = self.ledger.lock();
        pages.segments = foundation.segments;
        pages.source = foundation.source;
        pages.list = foundation.list;
        if let Some((standing, store_id)) = foundation.standing {
            (pages.standing, pages.store_id) = (standing, store_id);
        }
        pages.committed = Some(id);
    }

    /// Converts a moment of the wall clock to the monotonic clock, which alone decides from then on. If the
    /// wall clock was set back, the result is "just now", never "in an hour". Returns `None` if the interval
    /// since that moment has passed already.
    fn monotonic_us_of(&self, timestamp_ms: u64) -> Option<u64> {
        let ago_us = self.clock.0.unix_ms().saturating_sub(timestamp_ms).saturating_mul(1_000);
        (ago_us < self.interval_us()).then(|| self.clock.0.monotonic_us().saturating_sub(ago_us))
    }
}
