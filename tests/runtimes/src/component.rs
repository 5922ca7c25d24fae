//! The engine and the plugin, imported: what they are linked to is the composition's matter.

use crate::Batch;

mod bindings {
    #![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications, unreachable_pub)]

    wit_bindgen::generate!({
        inline: "
            package alluvium:driver;
            world driver {
                import alluvium:checkpoint/checkpoints@0.2.0;
                import alluvium:checkpoint/operator@0.2.0;
            }
        ",
        path: "../../wasm/wit",
        world: "alluvium:driver/driver",
        generate_all,
    });
}

use bindings::alluvium::checkpoint::checkpoints::{self, OpenOptions};
use bindings::alluvium::checkpoint::operator;
use bindings::alluvium::checkpoint::types::Error;

pub(crate) struct Manager(checkpoints::Manager);

impl Manager {
    pub(crate) fn open(directory: &str, strict: bool) -> Result<Self, String> {
        let options = OpenOptions {
            directory: Some(directory.to_owned()),
            create: true,
            begin_beside_remains: false,
            writer: None,
            store_id: None,
            checkpoint: None,
            allow_fallback: false,
            max_retained: 3,
            interval_ms: 60_000,
            memory_limit_bytes: None,
            max_compaction_bytes: None,
            strict,
        };
        checkpoints::Manager::open(&options).map(Self).map_err(text)
    }

    pub(crate) fn weaker_promises(&self) -> Vec<String> {
        self.0.weaker_promises()
    }

    pub(crate) fn consumed(&self) -> u64 {
        self.0.source_offsets().into_iter().find(|at| at.source == "input").map_or(0, |at| at.offset)
    }

    pub(crate) fn checkpoint(&mut self, consumed: u64) -> Result<u64, String> {
        self.0.set_source_offset("input", consumed).map_err(text)?;
        self.0.checkpoint(0).map(|report| report.info.id).map_err(text)
    }
}

pub(crate) struct Plugin;

impl Plugin {
    pub(crate) fn open(header: &[String]) -> Result<Self, String> {
        operator::open(&operator::Context { settings: Vec::new() })?;
        operator::begin(0, header).map(|()| Self)
    }

    /// Works on the state of the manager opened last.
    pub(crate) fn process(&mut self, _: &mut Manager, batch: &Batch) -> Result<(), String> {
        let columns = operator::ColumnBatch {
            count: batch.count,
            field_lens: batch.field_lens.clone(),
            fields: batch.fields.clone(),
        };
        let processed = operator::process(0, &operator::Batch::Columns(columns));
        processed.map_err(|failure| batch.failure(failure.record, &failure.text))
    }

    pub(crate) fn results(&self, _: &Manager) -> Result<Vec<String>, String> {
        let mut lines = operator::results(true, 100)?;
        loop {
            let page = operator::results(false, 100)?;
            if page.is_empty() {
                return Ok(lines);
            }
            lines.extend(page);
        }
    }
}

/// The case and the text, as people read them.
fn text(error: Error) -> String {
    let (case, text) = match error {
        Error::NotFound(text) => ("not found", text),
        Error::AlreadyExists(text) => ("already exists", text),
        Error::Corruption(text) => ("corruption", text),
        Error::Fenced(text) => ("fenced", text),
        Error::NoSpace(text) => ("no space", text),
        Error::LimitExceeded(text) => ("limit exceeded", text),
        Error::InvalidInput(text) => ("invalid input", text),
        Error::Backpressure(text) => ("backpressure", text),
        Error::Reopen(text) => ("reopen", text),
        Error::Unsupported(text) => ("unsupported", text),
        Error::Io(text) => ("io", text),
        Error::Other(text) => ("other", text),
    };
    format!("{case}: {text}")
}
