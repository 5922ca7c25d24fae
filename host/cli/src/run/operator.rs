//! The plugin's inputs and outputs by number.

use alluvium_connectors::Batch;
use alluvium_connectors::source::Schema;
use alluvium_host::{Batch as Records, ColumnBatch, Plugin, RuntimeError};

/// Begins an input whose records look like this.
pub(super) fn begin(plugin: &mut Plugin, input: usize, schema: &Schema) -> Result<(), RuntimeError> {
    match schema {
        Schema::Fields(header) => plugin.begin(number(input)?, header),
        _ => Err(RuntimeError::Host("the plugin takes records that have columns".to_owned())),
    }
}

fn number(input: usize) -> Result<u32, RuntimeError> {
    u32::try_from(input).map_err(|_| RuntimeError::Host(format!("there is no input of number {input}")))
}

/// Feeds a batch of an input.
pub(super) fn feed(plugin: &mut Plugin, input: usize, batch: Batch) -> Result<(), RuntimeError> {
    let (count, field_lens, fields) = batch.into_parts();
    plugin.feed(number(input)?, &Records::Columns(ColumnBatch { count, field_lens, fields }))
}

/// Returns what was emitted since the last call, by the number of the output.
pub(super) fn take_emitted(plugin: &mut Plugin) -> Vec<(usize, Batch)> {
    let emitted = plugin.take_emitted();
    let some = emitted.iter().enumerate().filter(|(_, emitted)| !emitted.is_empty());
    some.map(|(output, emitted)| (output, Batch::of_raw(emitted.records()))).collect()
}
