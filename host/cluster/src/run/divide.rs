//! Divides records among the workers that own their keys.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use alluvium_core::job::ownership;

use crate::error::ClusterError;
use crate::left_out::{BadRecord, around};
use crate::message::Piece;
use crate::operator::Router;

/// Divides records among their owners. Those without one are left out, if there is a list for them.
pub(super) fn divide(
    piece: Piece,
    router: &mut dyn Router,
    workers: u32,
    unroutable: &mut Option<Vec<BadRecord>>,
) -> Result<BTreeMap<u32, Piece>, ClusterError> {
    let mut divided: BTreeMap<u32, Piece> = BTreeMap::new();
    around(piece, unroutable, |piece| {
        let hashes = router.route(&piece)?;
        let owners: Vec<u32> = hashes.into_iter().map(|hash| ownership::owner(hash, workers)).collect();
        let first = owners.first().filter(|first| owners.iter().all(|owner| owner == *first));
        // What belongs to one owner is not copied, as with one worker.
        if let Some(Entry::Vacant(only)) = first.map(|first| divided.entry(*first)) {
            only.insert(piece);
            return Ok(());
        }
        for ((number, lens, bytes), owner) in piece.records().zip(owners) {
            divided.entry(owner).or_insert_with(|| piece.empty_like()).push(number, lens, bytes);
        }
        Ok(())
    })?;
    Ok(divided)
}
