//! The steps of a checkpoint and of a sync, with puts between them. Each can be dropped between two steps, too.

use alluvium_core::IncrementalCheckpointError as Error;

use super::operations::{Manager, Promised};
use crate::faulty::yielding::GiveWay;

/// One checkpoint in three steps.
pub(super) async fn steps(manager: &mut Manager, promised: &mut Promised) -> Result<(), Error> {
    let position = manager.wal_position() + 1;
    let submitted = promised.submit(position);
    let prepared = manager.prepare_checkpoint(position)?;
    promised.put(manager, "after prepare");
    GiveWay::default().await;
    let written = prepared.write().await?;
    promised.acknowledge(submitted);
    promised.put(manager, "after write");
    GiveWay::default().await;
    let finished = manager.finish_checkpoint(written)?;
    promised.put(manager, "after finish");
    GiveWay::default().await;
    drop(finished.maintenance.run().await);
    Ok(())
}

/// One WAL file in three steps.
pub(super) async fn sync_steps(manager: &mut Manager, promised: &mut Promised) -> Result<(), Error> {
    let position = manager.wal_position() + 1;
    let submitted = promised.submit(position);
    let Some(prepared) = manager.prepare_sync(position)? else { return Ok(()) };
    promised.put(manager, "after prepare");
    GiveWay::default().await;
    let written = prepared.write().await?;
    promised.acknowledge(submitted);
    promised.put(manager, "after write");
    GiveWay::default().await;
    manager.finish_sync(written)
}

/// Two checkpoints on their way at once. The first one may be dropped, and the second one is written then.
pub(super) async fn two_at_once(
    manager: &mut Manager,
    promised: &mut Promised,
    drops_first: bool,
) -> Result<(), Error> {
    let position = manager.wal_position() + 1;
    let of_first = promised.submit(position);
    let first = manager.prepare_checkpoint(position)?;
    promised.put(manager, "between");
    GiveWay::default().await;
    let of_second = promised.submit(position + 1);
    let second = manager.prepare_checkpoint(position + 1)?;
    promised.put(manager, "after both");
    GiveWay::default().await;
    let mut written = Vec::new();
    if drops_first {
        drop(first);
    } else {
        written.push(first.write().await?);
        promised.acknowledge(of_first);
    }
    GiveWay::default().await;
    written.push(second.write().await?);
    promised.acknowledge(of_second);
    GiveWay::default().await;
    for written in written {
        let finished = manager.finish_checkpoint(written)?;
        GiveWay::default().await;
        drop(finished.maintenance.run().await);
    }
    Ok(())
}

/// Two WAL files on their way at once, as above.
pub(super) async fn two_syncs(manager: &mut Manager, promised: &mut Promised, drops_first: bool) -> Result<(), Error> {
    let position = manager.wal_position() + 1;
    let of_first = promised.submit(position);
    let Some(first) = manager.prepare_sync(position)? else { return Ok(()) };
    promised.put(manager, "between");
    GiveWay::default().await;
    let of_second = promised.submit(position + 1);
    let second = manager.prepare_sync(position + 1)?.expect("there was a put");
    promised.put(manager, "after both");
    GiveWay::default().await;
    let mut written = Vec::new();
    if drops_first {
        drop(first);
    } else {
        written.push(first.write().await?);
        promised.acknowledge(of_first);
    }
    GiveWay::default().await;
    written.push(second.write().await?);
    promised.acknowledge(of_second);
    GiveWay::default().await;
    for written in written {
        manager.finish_sync(written)?;
    }
    Ok(())
}
