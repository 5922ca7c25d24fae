//! An instance of an operator over a directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};

use super::host::{NativeHost, text};
use crate::context::Context;
use crate::description::Domain;
use crate::host::{Entry, lens};
use crate::operator::{Batch, Failure, Operator};

/// How many timers one call has at most, as a host has it.
const TIMERS_PER_CALL: usize = 4_096;

/// How many results are asked for at a time.
const RESULTS_PAGE: u32 = 100;

/// What the checkpoints call the value of a parameter.
const PARAMETER: &str = "plugin.parameter.";

/// The values of parameters, and those of the checkpoint before.
type Parameters = BTreeMap<String, (String, Option<String>)>;

pub(super) struct Run {
    operator: Box<dyn Operator>,
    host: NativeHost,
    parameters: Parameters,
    /// The columns of each input that was begun.
    headers: BTreeMap<u32, Vec<String>>,
}

impl Run {
    /// Has an operator rewrite the state that another version has left, and takes a checkpoint of it.
    pub(super) fn migrate(
        operator: Box<dyn Operator>,
        directory: &Arc<MemoryDirectory>,
        from: u32,
    ) -> Result<(), String> {
        let described = operator.describe();
        let host = NativeHost::open(directory, described.namespaces, described.outputs.len())?;
        let mut run = Self { operator, host, parameters: Parameters::new(), headers: BTreeMap::new() };
        run.call(|operator, context| operator.migrate(from, context))?;
        if run.host.emitted.iter().any(|emitted| !emitted.is_empty()) {
            return Err("it emitted something: only a batch may".to_owned());
        }
        run.checkpoint()
    }

    pub(super) fn schema_version(&self) -> u32 {
        self.operator.describe().schema_version
    }

    pub(super) fn start(
        operator: Box<dyn Operator>,
        directory: &Arc<MemoryDirectory>,
        given: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let described = operator.describe();
        let mut host = NativeHost::open(directory, described.namespaces, described.outputs.len())?;
        if let Some(unknown) = given.keys().find(|name| !described.parameters.iter().any(|it| it.name == **name)) {
            return Err(format!("the operator has no parameter {unknown:?}"));
        }
        let mut parameters = Parameters::new();
        for parameter in described.parameters {
            let missing = || format!("the parameter {:?} must be set: {}", parameter.name, parameter.doc);
            let value = given.get(&parameter.name).or(parameter.default.as_ref()).ok_or_else(missing)?.clone();
            let annotation = format!("{PARAMETER}{}", parameter.name);
            let previous = host.manager.annotations().get(&annotation).cloned();
            host.manager.set_annotation(annotation, value.clone());
            parameters.insert(parameter.name, (value, previous));
        }
        let mut run = Self { operator, host, parameters, headers: BTreeMap::new() };
        run.call(|operator, context| operator.open(context))?;
        Ok(run)
    }

    /// Calls the operator, all or nothing.
    fn call<T, E: From<String>>(
        &mut self,
        call: impl FnOnce(&mut dyn Operator, &mut Context<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Self { operator, host, parameters, .. } = self;
        host.manager.begin_batch();
        let emitted: Vec<usize> = host.emitted.iter().map(Vec::len).collect();
        let mut context = Context::new(host, parameters);
        let answer = call(&mut **operator, &mut context).and_then(|value| {
            context.flush()?;
            Ok(value)
        });
        if answer.is_err() {
            host.manager.rollback_batch().map_err(text)?;
            host.emitted.iter_mut().zip(emitted).for_each(|(emitted, len)| emitted.truncate(len));
        }
        answer
    }

    pub(super) fn outputs(&self) -> usize {
        self.host.emitted.len()
    }

    /// Reads records of an input, and begins it if need be.
    pub(super) fn read(&mut self, input: u32, csv: &str) -> Result<Batch, Failure> {
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let wrong = |error: csv::Error| Failure::from(error.to_string());
        let header: Vec<String> = reader.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
        if self.headers.get(&input) != Some(&header) {
            self.operator.begin(input, &header)?;
            self.headers.insert(input, header);
        }
        let (mut count, mut field_lens, mut fields) = (0, Vec::new(), Vec::new());
        for record in reader.byte_records() {
            let record = record.map_err(wrong)?;
            count += 1;
            field_lens.extend(record.iter().map(|field| u32::try_from(field.len()).unwrap_or(u32::MAX)));
            fields.extend_from_slice(record.as_slice());
        }
        Ok(Batch::Columns { count, field_lens, fields })
    }

    /// Returns a batch of records as bytes.
    pub(super) fn bytes(records: &[&[u8]]) -> Batch {
        Batch::Records { lens: lens(records.iter().copied()), bytes: records.concat() }
    }

    pub(super) fn feed(&mut self, input: u32, batch: &Batch) -> Result<(), Failure> {
        self.call(|operator, context| operator.process(input, batch, context))
    }

    pub(super) fn route(&mut self, input: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        self.operator.route(input, batch)
    }

    pub(super) fn set_watermark(&mut self, at_ms: i64) -> Result<(), String> {
        self.host.manager.set_watermark(at_ms);
        self.fire(false)
    }

    pub(super) fn set_processing_time(&mut self, at_ms: i64) -> Result<(), String> {
        self.host.manager.set_processing_time(at_ms);
        self.fire(false)
    }

    /// Works through the timers that are due: those of event time first, each in the order of their times and of the
    /// namespaces.
    fn fire(&mut self, all_of_event_time: bool) -> Result<(), String> {
        while let Some((name, number, at_ms)) = self.due(all_of_event_time)? {
            let taken = self.host.manager.timers(number, at_ms, TIMERS_PER_CALL).map_err(text)?;
            self.call(|operator, context| {
                for timer in &taken {
                    context.host().delete_timer(number, timer.at_ms, &timer.key)?;
                }
                let keys: Vec<&[u8]> = taken.iter().map(|timer| timer.key.as_slice()).collect();
                operator.on_timers(&name, at_ms, &keys, context)
            })?;
        }
        Ok(())
    }

    fn due(&self, all_of_event_time: bool) -> Result<Option<(String, u32, i64)>, String> {
        let manager = &self.host.manager;
        let watermark = if all_of_event_time { Some(i64::MAX) } else { manager.watermark() };
        for (clock, now) in [(Domain::Event, watermark), (Domain::Processing, manager.position().processing_time_ms)] {
            let Some(now) = now else { continue };
            let mut firsts = Vec::new();
            for (name, number) in self.host.queues(clock) {
                firsts.extend(manager.first_timer(number).map_err(text)?.map(|at_ms| (name, number, at_ms)));
            }
            let first = firsts.into_iter().min_by_key(|(_, _, at_ms)| *at_ms);
            if first.as_ref().is_some_and(|(_, _, at_ms)| *at_ms <= now) {
                return Ok(first);
            }
        }
        Ok(None)
    }

    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.fire(true)?;
        self.call(|operator, context| operator.finish(context))
    }

    pub(super) fn checkpoint(&mut self) -> Result<(), String> {
        let epoch = self.host.manager.epoch() + 1;
        self.host.manager.set_epoch(epoch).map_err(text)?;
        block_on(self.host.manager.create_checkpoint(0)).map(drop).map_err(text)
    }

    pub(super) fn take_emitted(&mut self) -> Vec<Vec<Vec<u8>>> {
        let outputs = self.outputs();
        std::mem::replace(&mut self.host.emitted, vec![Vec::new(); outputs])
    }

    pub(super) fn emitted(&self, output: usize) -> impl Iterator<Item = &Vec<u8>> {
        self.host.emitted.get(output).into_iter().flatten()
    }

    pub(super) fn results(&mut self) -> Result<Vec<String>, String> {
        let (mut all, mut start) = (Vec::new(), true);
        loop {
            let page = self.call(|operator, context| operator.results(start, RESULTS_PAGE, context))?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
            start = false;
        }
    }

    pub(super) fn messages(&self) -> &[String] {
        &self.host.messages
    }

    pub(super) fn entries(&self, namespace: &str) -> Result<Vec<Entry>, String> {
        let described = self.host.namespaces.iter().find(|(described, _)| described.name == namespace);
        let (_, number) = described.ok_or_else(|| format!("there is no namespace {namespace:?}"))?;
        let entries = self.host.manager.iter_in(*number, b"").map_err(text)?;
        Ok(entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
    }
}
