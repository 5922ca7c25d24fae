//! The plugin's inputs and outputs by number.

use alluvium_connectors::Batch;
use alluvium_connectors::source::Schema;
use alluvium_host::{Batch as Records, ColumnBatch, Description, InputFormat, Plugin, RecordBatch, RuntimeError};

/// Begins an input whose records look like this.
pub(super) fn begin(plugin: &mut Plugin, input: usize, schema: &Schema) -> Result<(), RuntimeError> {
    match schema {
        Schema::Fields(header) => plugin.begin(number(input)?, header),
        _ => Ok(()),
    }
}

fn number(input: usize) -> Result<u32, RuntimeError> {
    u32::try_from(input).map_err(|_| RuntimeError::Host(format!("there is no input of number {input}")))
}

/// Feeds a batch of an input.
pub(super) fn feed(plugin: &mut Plugin, input: usize, batch: Batch) -> Result<(), RuntimeError> {
    let takes_columns = takes_columns(plugin.description(), input);
    let (count, lens, bytes) = batch.into_parts();
    let records = if takes_columns {
        Records::Columns(ColumnBatch { count, field_lens: lens, fields: bytes })
    } else {
        Records::Records(RecordBatch { lens, bytes })
    };
    plugin.feed(number(input)?, &records)
}

/// Whether the plugin takes the records of an input as columns. A plugin that declares no inputs does.
pub(super) fn takes_columns(description: &Description, input: usize) -> bool {
    description.inputs.get(input).is_none_or(|input| input.format == InputFormat::Columns)
}

/// Returns what was emitted since the last call, by the number of the output.
pub(super) fn take_emitted(plugin: &mut Plugin) -> Vec<(usize, Batch)> {
    let emitted = plugin.take_emitted();
    let some = emitted.iter().enumerate().filter(|(_, emitted)| !emitted.is_empty());
    some.map(|(output, emitted)| (output, Batch::of_raw(emitted.records()))).collect()
}
