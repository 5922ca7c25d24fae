//! Recovers one checkpoint: its segments in order, then the WAL files after it.

use crate::directory::{Directory, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::ledger::listing::Listing;
use crate::ledger::metadata_reader::{find_state, read_listed_metadata};
use crate::ledger::prefetch::alongside;
use crate::ledger::segment_reader::SegmentSource;
use crate::model::key_groups::{KEY_GROUPS, KeyGroups};
use crate::model::wanted::Wanted;
use crate::namespaces::Totals;
use crate::recovery::digest::check_state;
use crate::recovery::features::check_features;
use crate::recovery::load::{Loaded, load};
use crate::recovery::types::{RecoverOptions, RecoveredCheckpoint, ReplayedWal, SkippedCheckpoint};
use crate::recovery::wal_replay::{ReadAhead, read_ahead, replay};

/// Recovers the newest checkpoint, or the one that the options name, and replays the WAL files after the
/// newest. Returns `None` if the directory has no checkpoint and none was asked for.
///
/// - A checkpoint that was asked for and does not exist is [`NotFound`](Error::NotFound).
/// - Files of checkpoints without any checkpoint are [`CheckpointsLost`](Error::CheckpointsLost).
/// - Key groups that do not exist are [`InvalidInput`](Error::InvalidInput).
/// - Damage is an error that names the file. With [`allow_fallback`](RecoverOptions::allow_fallback),
///   an older checkpoint is recovered instead; if none is whole, the error is
///   [`Recovery`](Error::Recovery).
pub async fn recover<D: Directory>(
    directory: &D,
    options: &RecoverOptions,
) -> Result<Option<RecoveredCheckpoint>, Error> {
    recover_with(directory, &Stores::new(), options).await
}

/// Does what [`recover`] does for a directory some of whose segments are in other directories: `stores` has
/// these by their ids.
///
/// A segment in a directory that is not among them is [`InvalidInput`](Error::InvalidInput), and the error
/// names both.
pub async fn recover_with<D: Directory>(
    directory: &D,
    stores: &Stores<D>,
    options: &RecoverOptions,
) -> Result<Option<RecoveredCheckpoint>, Error> {
    let mut listing = Listing::take_beside_writer(directory).await?;
    recover_current(directory, stores, options, &mut listing).await
}

/// Does what [`recover`] does, given a listing. If a writer has moved on since, the listing is taken again.
pub(crate) async fn recover_current<D: Directory>(
    directory: &D,
    stores: &Stores<D>,
    options: &RecoverOptions,
    listing: &mut Listing,
) -> Result<Option<RecoveredCheckpoint>, Error> {
    loop {
        let recovered = recover_listed(directory, stores, options, listing).await;
        let error = match &recovered {
            Err(error) => error.clone(),
            // What was skipped at the end of the WAL may have been made unnecessary by a newer checkpoint.
            Ok(Some(RecoveredCheckpoint { wal: ReplayedWal { cut: Some(cut), .. }, .. })) => {
                Error::Wal(cut.reason.clone())
            }
            Ok(_) => return recovered,
        };
        let attempted = options.checkpoint.filter(|_| !listing.checkpoints.is_empty());
        if !listing.renew(directory, attempted, &error).await {
            return recovered;
        }
    }
}

/// Does what [`recover`] does, given a listing that was taken already.
pub(crate) async fn recover_listed<D: Directory>(
    directory: &D,
    stores: &Stores<D>,
    options: &RecoverOptions,
    listing: &Listing,
) -> Result<Option<RecoveredCheckpoint>, Error> {
    let (first, last) = (*options.groups.start(), *options.groups.end());
    if first > last || last >= KEY_GROUPS {
        return Err(Error::InvalidInput(format!(
            "key groups {first} to {last}: groups are numbered from 0 to {}",
            KEY_GROUPS - 1
        )));
    }
    let wanted = Wanted { groups: KeyGroups::range(first, last), range: options.hashes };
    let wanted = wanted
        .intersection(Wanted::ALL)
        .ok_or_else(|| Error::InvalidInput(format!("no hash of the range is in key groups {first} to {last}")))?;
    listing.check_not_lost()?;
    if let Some(id) = options.checkpoint {
        if !listing.checkpoints.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} does not exist; {}", known(listing))));
        }
        let (recovered, _) = recover_one(directory, listing, stores, id, wanted, false).await?;
        return Ok(Some(recovered));
    }
    let mut skipped = Vec::new();
    for &id in listing.checkpoints.iter().rev() {
        match recover_one(directory, listing, stores, id, wanted, options.replay_wal).await {
            Ok((recovered, wal)) => {
                let mut recovered = RecoveredCheckpoint { skipped, ..recovered };
                if options.replay_wal {
                    replay(directory, options, listing, wanted, wal, &mut recovered).await?;
                }
                return Ok(Some(recovered));
            }
            // An I/O error says nothing about the checkpoint, nor does a directory that the caller did not
            // supply. Recovering an older one would lose it for no reason.
            Err(error) if options.allow_fallback && !matches!(error, Error::Io(_) | Error::InvalidInput(_)) => {
                // A checkpoint that a writer has deleted meanwhile is not skipped.
                if listing.clone().renew(directory, Some(id), &error).await {
                    return Err(error);
                }
                skipped.push(SkippedCheckpoint { id, reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    if skipped.is_empty() {
        return Ok(None);
    }
    let reasons: Vec<String> = skipped.iter().map(|skipped| format!("{}: {}", skipped.id, skipped.reason)).collect();
    Err(Error::Recovery(format!("no checkpoint is whole: {}", reasons.join("; "))))
}

/// Says which checkpoints there are.
fn known(listing: &Listing) -> String {
    match (listing.checkpoints.first(), listing.checkpoints.last()) {
        (Some(first), Some(last)) => format!("{} are kept, from {first} to {last}", listing.checkpoints.len()),
        _ => "the directory has none".into(),
    }
}

/// Recovers one checkpoint without the WAL files after it. If they will be needed, they are read meanwhile.
async fn recover_one<D: Directory>(
    directory: &D,
    listing: &Listing,
    stores: &Stores<D>,
    id: u64,
    wanted: Wanted,
    needs_wal: bool,
) -> Result<(RecoveredCheckpoint, ReadAhead), Error> {
    let metadata = read_listed_metadata(directory, listing, id).await?;
    let (mut loaded, mut read) = (Loaded::default(), ReadAhead::new());
    if let Some(fields) = &metadata.alluvium {
        check_features(id, fields)?;
        fields.segments.iter().try_for_each(|entry| listing.check_length(entry))?;
        let source = SegmentSource::of(directory, stores, fields);
        let of_segments = load(&source, &fields.segments, fields.namespaces.clone(), wanted);
        if needs_wal {
            let (of_segments, ahead) = alongside(of_segments, read_ahead(directory, fields.format, listing, id)).await;
            (loaded, read) = (of_segments?, ahead.unwrap_or_default());
        } else {
            loaded = of_segments.await?;
        }
        if wanted == Wanted::ALL {
            let place = format!("checkpoint {id}");
            let (keys, bytes, digest) = (metadata.key_count, fields.state_bytes, fields.state_digest);
            check_state(&place, Totals { keys, bytes, digest }, Totals::of(&loaded.state, &loaded.spaces))?;
        }
    }
    let wal = ReplayedWal::default();
    if metadata.alluvium.is_none() {
        // Offsets without the state that belongs to them are not a checkpoint, so the opaque state must be
        // whole too.
        find_state(directory, id).await?;
    }
    let Loaded { state, spaces, segments, bytes_read } = loaded;
    Ok((RecoveredCheckpoint { metadata, state, spaces, skipped: Vec::new(), bytes_read, wal, segments }, read))
}
