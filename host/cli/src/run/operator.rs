//! The plugin's inputs and outputs by number. Plugins of this version have one of each.

use alluvium_connectors::Batch;
use alluvium_connectors::source::Schema;
use alluvium_host::{Plugin, Records, RuntimeError};

/// Begins an input whose records look like this.
pub(super) fn begin(plugin: &mut Plugin, input: usize, schema: &Schema) -> Result<(), RuntimeError> {
    match schema {
        Schema::Fields(header) => check(input).and_then(|()| plugin.begin(header)),
        _ => Err(RuntimeError::Host("the plugin takes records that have columns".to_owned())),
    }
}

fn check(input: usize) -> Result<(), RuntimeError> {
    if input == 0 {
        Ok(())
    } else {
        Err(RuntimeError::Host(format!("the plugin has one input, none of number {input}")))
    }
}

/// Feeds a batch of an input, whose first record has this number.
pub(super) fn feed(plugin: &mut Plugin, input: usize, first_record: u64, batch: Batch) -> Result<(), RuntimeError> {
    check(input)?;
    let (count, field_lens, fields) = batch.into_parts();
    plugin.feed(&Records { first_record, count, field_lens, fields })
}

/// Returns what was emitted since the last call, by the number of the output.
pub(super) fn take_emitted(plugin: &mut Plugin) -> Vec<(usize, Batch)> {
    let lines = plugin.take_emitted();
    if lines.is_empty() {
        return Vec::new();
    }
    // Every record ends with a line break, and has none in it.
    let records = lines.strip_suffix(b"\n").unwrap_or(&lines).split(|byte| *byte == b'\n');
    vec![(0, Batch::of_raw(records))]
}
