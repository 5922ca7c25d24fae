//! What is asked of an operator, asked of an instance in this process.

use crate::bindings::engine::alluvium::checkpoint::types::PackedKeys;
use crate::bindings::plugin::exports::alluvium::checkpoint::operator;
use crate::description::Description;
use crate::emitted::Emitted;
use crate::engine::{DueTimers, SharedEngine, lock};
use crate::error::RuntimeError;
use crate::limits::Limits;
use crate::messages::Message;
use crate::module::Module;
use crate::operator::local::Place;
use crate::operator::{
    Batch, Context, END, INPUT, LocalOperator, MIGRATION, Operator, PARAMETERS, RESULTS, TIMERS, keys_of, lines,
};

impl Operator for LocalOperator {
    fn description(&self) -> &Description {
        &self.description
    }

    fn another(&self, module: &Module, limits: &Limits) -> Result<Box<dyn Operator>, RuntimeError> {
        let another = Self::start(module, &self.engine, None, limits, self.allowance.under(limits))?;
        Ok(Box::new(another))
    }

    fn accept(&mut self) -> Result<(), RuntimeError> {
        self.guest_data(|guest| guest.is_accepted = true);
        Ok(())
    }

    fn declare_namespaces(&mut self) -> Result<Vec<u32>, RuntimeError> {
        let declared = &self.description.namespaces;
        let numbers: Result<Vec<u32>, _> =
            declared.iter().map(|declaration| lock(&self.engine).declare_namespace(declaration)).collect();
        let numbers = numbers?;
        let named = declared.iter().map(|declaration| declaration.name.clone()).zip(numbers.iter().copied()).collect();
        self.guest_data(|guest| guest.namespaces = named);
        Ok(numbers)
    }

    fn open(&mut self, context: &Context) -> Result<(), RuntimeError> {
        self.call(PARAMETERS, |operator, store| operator.call_open(store, context))
    }

    fn begin(&mut self, input: u32, header: &[String]) -> Result<(), RuntimeError> {
        self.call(INPUT, |operator, store| operator.call_begin(store, input, header))
    }

    fn process(&mut self, input: u32, batch: &Batch) -> Result<(), RuntimeError> {
        self.call(INPUT, |operator, store| operator.call_process(store, input, batch))
    }

    fn results(&mut self, start: bool, limit: u32) -> Result<Vec<String>, RuntimeError> {
        let page = self.call(RESULTS, |operator, store| operator.call_results(store, start, limit))?;
        lines(&page)
    }

    fn on_timers(&mut self, namespace: u32, up_to_ms: i64, limit: u32) -> Result<u32, RuntimeError> {
        let lacks = || RuntimeError::component(self.module.file(), "exports no timers");
        let on_timers = self.module.optional().on_timers.ok_or_else(lacks)?;
        let instance = self.instance;
        // They are taken within the batch, so that they are set again if the plugin refuses.
        let take = |engine: &SharedEngine| lock(engine).take_timers(namespace, up_to_ms, limit);
        self.call_with(TIMERS, take, |due, _, store| {
            let Some(DueTimers { at_ms, keys }) = due else { return Ok(Ok(0)) };
            let count = u32::try_from(keys.lens.len()).unwrap_or(u32::MAX);
            let on_timers =
                instance.get_typed_func::<(u32, i64, PackedKeys), (Result<(), String>,)>(&mut *store, on_timers)?;
            Ok(on_timers.call(&mut *store, (namespace, at_ms, keys))?.0.map(|()| count))
        })
    }

    fn finish(&mut self) -> Result<(), RuntimeError> {
        let Some(finish) = self.module.optional().finish else { return Ok(()) };
        let instance = self.instance;
        self.call(END, |_, store| {
            let finish = instance.get_typed_func::<(), (Result<(), String>,)>(&mut *store, finish)?;
            Ok(finish.call(&mut *store, ())?.0)
        })
    }

    fn route(&mut self, input: u32, batch: &Batch) -> Result<PackedKeys, RuntimeError> {
        type Routed = (Result<PackedKeys, operator::Failure>,);
        let lacks = || RuntimeError::component(self.module.file(), "exports no keys");
        let route = self.module.optional().route.ok_or_else(lacks)?;
        let instance = self.instance;
        let keys = self.call(INPUT, |_, store| {
            let route = instance.get_typed_func::<(u32, &Batch), Routed>(&mut *store, route)?;
            Ok(route.call(&mut *store, (input, batch))?.0)
        })?;
        keys_of(keys, batch)
    }

    fn migrate(&mut self, from: u32) -> Result<(), RuntimeError> {
        let lacks = || RuntimeError::component(self.module.file(), "exports no migration");
        let migrate = self.module.optional().migrate.ok_or_else(lacks)?;
        let instance = self.instance;
        self.call(MIGRATION, |_, store| {
            let migrate = instance.get_typed_func::<(u32,), (Result<(), String>,)>(&mut *store, migrate)?;
            Ok(migrate.call(&mut *store, (from,))?.0)
        })
    }

    fn take_messages(&mut self) -> Vec<Message> {
        self.guest_data(|guest| guest.messages.take())
    }

    fn take_emitted(&mut self) -> Vec<Emitted> {
        let fresh = Emitted::to_each(&self.description.outputs);
        self.guest_data(|guest| std::mem::replace(&mut guest.emitted, fresh))
    }

    fn waiting(&mut self) -> Vec<usize> {
        self.guest_data(|guest| guest.emitted.iter().map(Emitted::len).collect())
    }

    fn prepend(&mut self, emitted: Vec<(usize, Emitted)>) {
        self.guest_data(|guest| Emitted::prepend_each(&mut guest.emitted, emitted));
    }

    fn count_emitted(&mut self) -> u64 {
        std::mem::take(&mut self.uncounted_bytes)
    }

    fn memory_bytes(&self) -> usize {
        match &self.place {
            Place::Own { store, .. } => store.data().budget.memory_bytes(),
            Place::OfEngine(_) => 0,
        }
    }
}
