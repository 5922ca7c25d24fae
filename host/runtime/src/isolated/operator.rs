//! An instance of a plugin in a worker, asked from its host.

use std::borrow::Cow;
use std::os::fd::AsFd;

use serde::de::DeserializeOwned;

use crate::bindings::engine::alluvium::checkpoint::types::PackedKeys;
use crate::description::Description;
use crate::emitted::Emitted;
use crate::error::RuntimeError;
use crate::isolated::answers;
use crate::isolated::budget::Size;
use crate::isolated::message::{Described, PluginCall, Question, Worked};
use crate::isolated::records::{SentBatch, SentRecords};
use crate::isolated::worker::{Room, SharedWorker, lock};
use crate::limits::{Limit, Limits};
use crate::messages::{MESSAGES_BYTES_MAX, Message};
use crate::module::Module;
use crate::operator::{Batch, Context, END, INPUT, MIGRATION, Operator, PARAMETERS, RESULTS, TIMERS, keys_of};

/// What a plugin says of itself: texts, and lists of a few hundred parts.
pub(super) const DESCRIPTION: Size = Size { bytes: 4 << 20, list_bytes: 1 << 20 };

/// What comes with every answer to a call that lets the plugin work, besides what it emits.
pub(super) const WORKED: Size = Size { bytes: Size::SHORT.bytes + MESSAGES_BYTES_MAX, ..Size::SHORT };

/// An instance of a plugin in a worker.
///
/// What it emits comes with the answer of each call and waits here, so that nothing is lost with the worker that was
/// told as done.
pub(super) struct RemoteOperator {
    worker: SharedWorker,
    number: u32,
    description: Description,
    emitted: Vec<Emitted>,
    messages: Vec<Message>,
    uncounted_bytes: u64,
    limits: Limits,
}

impl RemoteOperator {
    /// The instance with this number, which describes itself so.
    pub(super) fn of(
        worker: SharedWorker,
        number: u32,
        module: &Module,
        described: Described,
        limits: &Limits,
    ) -> Result<Self, RuntimeError> {
        let description = Description::checked(described);
        let description = description.map_err(|why| RuntimeError::component(module.file(), why))?;
        let emitted = Emitted::to_each(&description.outputs);
        let messages = Vec::new();
        Ok(Self { worker, number, description, emitted, messages, uncounted_bytes: 0, limits: *limits })
    }

    fn ask<T: DeserializeOwned>(
        &self,
        call: PluginCall<'_>,
        size: Size,
        what: &'static str,
    ) -> Result<T, RuntimeError> {
        let room = Room { time: self.limits.plugin_call, size, stop: None };
        lock(&self.worker).ask_with(&Question::Plugin { number: self.number, call }, &[], room, what)
    }

    /// Lets the plugin work, and takes what it emits.
    fn work<T: DeserializeOwned>(
        &mut self,
        call: PluginCall<'_>,
        bytes: usize,
        what: &'static str,
    ) -> Result<T, RuntimeError> {
        let size = WORKED.with(self.limits.output_bytes).with(bytes);
        let Worked { value, messages, emitted } = self.ask(call, size, what)?;
        self.messages = messages;
        let more = answers::emitted(&emitted, &self.description.outputs, &mut self.emitted)
            .map_err(|what| lock(&self.worker).lied(what))?;
        self.uncounted_bytes = self.uncounted_bytes.saturating_add(more);
        let waiting: usize = self.emitted.iter().map(Emitted::held_bytes).sum();
        if waiting >= self.limits.output_bytes {
            let why = format!("it emitted more than {} bytes that were not taken", self.limits.output_bytes);
            return Err(lock(&self.worker).over(Limit::Output, why));
        }
        value.map_err(|error| error.into_error(what))
    }
}

impl Operator for RemoteOperator {
    fn description(&self) -> &Description {
        &self.description
    }

    fn another(&self, module: &Module, limits: &Limits) -> Result<Box<dyn Operator>, RuntimeError> {
        if module.is_composed() {
            let why = "has an engine inside: it cannot be put over another one";
            return Err(RuntimeError::component(module.file(), why));
        }
        let code = module.shared_code()?;
        let number = lock(&self.worker).next_number();
        let question = Question::Another { number, file: module.file().to_owned(), limits: *limits };
        // One call to start, and one to describe itself.
        let room = Room { time: limits.plugin_call.saturating_mul(2), size: DESCRIPTION, stop: None };
        let described = lock(&self.worker).ask_with(&question, &[code.as_fd()], room, INPUT)?;
        Ok(Box::new(Self::of(self.worker.clone(), number, module, described, limits)?))
    }

    fn accept(&mut self) -> Result<(), RuntimeError> {
        self.ask(PluginCall::Accept, Size::SHORT, INPUT)
    }

    fn declare_namespaces(&mut self) -> Result<Vec<u32>, RuntimeError> {
        let numbers: Vec<u32> = self.ask(PluginCall::DeclareNamespaces, DESCRIPTION, INPUT)?;
        if numbers.len() == self.description.namespaces.len() {
            return Ok(numbers);
        }
        let (found, declared) = (numbers.len(), self.description.namespaces.len());
        Err(lock(&self.worker).lied(format!("{found} numbers for {declared} namespaces")))
    }

    fn open(&mut self, context: &Context) -> Result<(), RuntimeError> {
        self.work(PluginCall::Open(Cow::Borrowed(context)), 0, PARAMETERS)
    }

    fn begin(&mut self, input: u32, header: &[String]) -> Result<(), RuntimeError> {
        self.work(PluginCall::Begin { input, header: Cow::Borrowed(header) }, 0, INPUT)
    }

    fn process(&mut self, input: u32, batch: &Batch) -> Result<(), RuntimeError> {
        self.work(PluginCall::Process { input, batch: SentBatch::of(batch) }, 0, INPUT)
    }

    fn on_timers(&mut self, namespace: u32, up_to_ms: i64, limit: u32) -> Result<u32, RuntimeError> {
        let count = self.work(PluginCall::OnTimers { namespace, up_to_ms, limit }, 0, TIMERS)?;
        if count <= limit { Ok(count) } else { Err(lock(&self.worker).lied(format!("{count} timers of {limit}"))) }
    }

    fn finish(&mut self) -> Result<(), RuntimeError> {
        self.work(PluginCall::Finish, 0, END)
    }

    fn route(&mut self, input: u32, batch: &Batch) -> Result<PackedKeys, RuntimeError> {
        let call = PluginCall::Route { input, batch: SentBatch::of(batch) };
        let keys: SentRecords = self.work(call, self.limits.call_bytes, INPUT)?;
        keys_of(keys.keys(u32::MAX).map_err(|what| lock(&self.worker).lied(what))?, batch)
    }

    fn results(&mut self, start: bool, limit: u32) -> Result<Vec<String>, RuntimeError> {
        let bytes = self.limits.call_bytes;
        let page: SentRecords = self.work(PluginCall::Results { start, limit }, bytes, RESULTS)?;
        answers::lines(&page, bytes).map_err(|what| lock(&self.worker).lied(what))
    }

    fn migrate(&mut self, from: u32) -> Result<(), RuntimeError> {
        self.work(PluginCall::Migrate { from }, 0, MIGRATION)
    }

    fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    fn take_emitted(&mut self) -> Vec<Emitted> {
        let fresh = Emitted::to_each(&self.description.outputs);
        std::mem::replace(&mut self.emitted, fresh)
    }

    fn waiting(&mut self) -> Vec<usize> {
        self.emitted.iter().map(Emitted::len).collect()
    }

    fn prepend(&mut self, emitted: Vec<(usize, Emitted)>) {
        Emitted::prepend_each(&mut self.emitted, emitted);
    }

    fn count_emitted(&mut self) -> u64 {
        std::mem::take(&mut self.uncounted_bytes)
    }

    fn memory_bytes(&self) -> usize {
        self.ask(PluginCall::MemoryBytes, Size::SHORT, INPUT).unwrap_or(0)
    }
}

impl Drop for RemoteOperator {
    fn drop(&mut self) {
        lock(&self.worker).drop_later(self.number);
    }
}
