//! The scripts of the golden directories. A change to one changes its bytes, and those are a promise.

use std::collections::BTreeMap;

use alluvium_core::directory::block_on;
use alluvium_core::model::opaque::Opaque;

use super::Recorder;

/// One checkpoint of a few keys: one base.
pub(super) fn small(recorder: &mut Recorder) {
    for (key, value) in
        [("AA:JFK-LAX", "{\"flights\":1}"), ("UA:EWR-IAH", "{\"flights\":2}"), ("", "empty key"), ("empty value", "")]
    {
        recorder.put(key, value);
    }
    recorder.at(1);
    recorder.checkpoint(100);
}

/// Puts, overwrites, tombstones, a key put and deleted in one epoch, an epoch without changes.
pub(super) fn deltas(recorder: &mut Recorder) {
    for number in 0..40 {
        recorder.put(&format!("key-{number:04}"), &format!("value {number} of the first epoch"));
    }
    recorder.at(1);
    recorder.checkpoint(10);
    recorder.manager.set_annotation("operator", "a \"quoted\" name");
    recorder.put("key-0003", "same size does not matter");
    recorder.put("key-0004", "");
    recorder.delete("key-0005");
    recorder.at(2);
    recorder.checkpoint(20);
    recorder.put("passing", "by");
    recorder.delete("passing");
    recorder.put("key-0005", "back again");
    recorder.put("binary \u{1f30a}", "\u{0}\u{1}\u{7f}");
    recorder.at(3);
    recorder.checkpoint(30);
    recorder.at(4);
    recorder.checkpoint(40);
    recorder.delete("key-0039");
    recorder.delete("never there");
    recorder.at(5);
    recorder.checkpoint(50);
}

/// Large values that come and go until their deltas are worth a new base; small ones stay, in
/// several chunks.
pub(super) fn rebased(recorder: &mut Recorder) {
    for number in 0..150 {
        recorder.put(&format!("route-{number:03}"), &format!("{number:>40}"));
    }
    recorder.at(1);
    recorder.checkpoint(512);
    // Five deltas just below the 256 KiB that deltas may always hold, and one that goes past them
    // while nothing large is alive any more: so the new base is small, and so is this directory.
    for epoch in 2..=6 {
        recorder.put(&format!("bulk-{epoch}"), &"~".repeat(52_300));
        recorder.delete(&format!("bulk-{}", epoch - 1));
        recorder.delete(&format!("route-{:03}", epoch * 11));
        recorder.at(epoch);
        recorder.checkpoint(epoch * 512);
    }
    recorder.delete("bulk-6");
    recorder.put("route-000", &"-".repeat(600));
    recorder.at(7);
    recorder.checkpoint(7 * 512);
    for epoch in 8..=10 {
        recorder.put(&format!("route-{epoch:03}"), &epoch.to_string());
        recorder.at(epoch);
        recorder.checkpoint(epoch * 512);
    }
}

/// More small deltas than recovery should have to open: they are merged.
pub(super) fn merged(recorder: &mut Recorder) {
    for epoch in 1..=40 {
        recorder.put(&format!("key {}", epoch % 7), &format!("epoch {epoch}"));
        recorder.delete(&format!("key {}", epoch % 5));
        recorder.at(epoch);
        recorder.checkpoint(epoch);
    }
}

/// The caller's own bytes beside the live state, with the caller's own offsets.
pub(super) fn opaque(recorder: &mut Recorder) {
    for epoch in 1..=2_u64 {
        recorder.put("live", &format!("beside the opaque bytes, {epoch}"));
        recorder.manager.set_epoch(epoch).expect("epoch");
        recorder.clock.advance_ms(1_250);
        let offsets = BTreeMap::from([("source-a".to_string(), epoch * 100), ("source-b".to_string(), u64::MAX)]);
        let state = format!("opaque bytes of epoch {epoch}\n").into_bytes();
        let position = (1 << 60) + epoch;
        let created = recorder.manager.create_checkpoint_with_state(position, offsets, Some(-5), &state);
        let id = block_on(created).expect("checkpoint").id;
        recorder.note(id);
    }
}

/// The newest checkpoint deleted: its id stays taken.
pub(super) fn deleted(recorder: &mut Recorder) {
    for epoch in 1..=3 {
        recorder.put("epoch", &epoch.to_string());
        recorder.at(epoch);
        recorder.checkpoint(epoch);
    }
    block_on(recorder.manager.delete_checkpoint(3)).expect("delete");
}

/// An older checkpoint made the newest again, and one more on top.
pub(super) fn restored(recorder: &mut Recorder) {
    for epoch in 1..=3 {
        recorder.put("epoch", &epoch.to_string());
        recorder.put(&format!("only {epoch}"), "here");
        recorder.at(epoch);
        recorder.checkpoint(epoch);
    }
    let restored = block_on(recorder.manager.restore_checkpoint(1)).expect("restore");
    recorder.note(restored.id);
    recorder.put("after", "the restore");
    recorder.at(9);
    recorder.checkpoint(9);
}

/// A checkpoint, and logs after it: puts, tombstones, and one in which only the position moved on.
pub(super) fn logged(recorder: &mut Recorder) {
    recorder.put("before", "the first checkpoint");
    recorder.at(1);
    recorder.checkpoint(10);
    recorder.put("in a log", "of the first checkpoint");
    recorder.at(2);
    recorder.sync(20);
    recorder.put("before", "the second");
    recorder.at(3);
    recorder.checkpoint(30);
    for number in 0..12 {
        recorder.put(&format!("logged {number}"), "once");
    }
    recorder.at(4);
    recorder.sync(40);
    recorder.manager.set_annotation("sink", "prepared 5");
    recorder.put("logged 3", "twice");
    recorder.delete("logged 4");
    recorder.delete("before");
    recorder.at(5);
    recorder.sync(50);
    recorder.at(6);
    recorder.sync(60);
}

/// Positions of every kind: opaque ones, times by partition, and tokens; in checkpoints and in a log.
pub(super) fn positioned(recorder: &mut Recorder) {
    for epoch in 1..=4 {
        let manager = &mut recorder.manager;
        manager.put(b"epoch", epoch.to_string().as_bytes()).expect("put");
        for partition in ["0", "1"] {
            let position = Opaque::new(format!("shard {partition} at {epoch}")).expect("small");
            manager.set_position("clicks", partition, position);
            manager.set_partition_watermark("clicks", partition, i64::try_from(epoch * 1_000).expect("small"));
        }
        manager.set_position("raw", "", Opaque::new([0, 0xff, 0x7f]).expect("small"));
        manager.set_partition_watermark("raw", "", -1);
        manager.set_processing_time(1_767_225_600_000 + i64::try_from(epoch).expect("small"));
        manager.set_sink_token("out", format!("prepared {epoch}")).expect("small");
        recorder.at(epoch);
        if epoch < 4 {
            recorder.checkpoint(epoch);
        } else {
            recorder.sync(epoch);
        }
    }
}

/// So many segments that a file lists them: metadata names what was added since, until a new list is due. At
/// the end there is a checkpoint without changes.
pub(super) fn listed(recorder: &mut Recorder) {
    for epoch in 1..=14 {
        recorder.put(&format!("key {}", epoch % 5), &format!("epoch {epoch}"));
        recorder.at(epoch);
        recorder.checkpoint(epoch);
    }
    recorder.at(15);
    recorder.checkpoint(15);
}

/// A directory that LaminarDB wrote, taken over.
pub(super) fn continued(recorder: &mut Recorder) {
    recorder.note(3);
    recorder.put("alluvium", "takes over");
    recorder.at(40);
    recorder.checkpoint(4_000);
    recorder.delete("alluvium");
    recorder.put("gravel", "settles");
    recorder.at(50);
    recorder.checkpoint(5_000);
}
