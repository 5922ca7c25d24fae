//! What is asked of an operator, asked of an instance in this process.

use crate::description::Description;
use crate::emitted::Emitted;
use crate::engine::lock;
use crate::error::RuntimeError;
use crate::limits::Limits;
use crate::module::Module;
use crate::operator::local::Place;
use crate::operator::{Batch, Context, INPUT, LocalOperator, MIGRATION, Operator, PARAMETERS, RESULTS, lines};

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

    fn declare_namespaces(&mut self) -> Result<(), RuntimeError> {
        let mut numbers = Vec::new();
        for declaration in &self.description.namespaces {
            let number = lock(&self.engine).declare_namespace(declaration)?;
            numbers.push((declaration.name.clone(), number));
        }
        self.guest_data(|guest| guest.namespaces = numbers);
        Ok(())
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

    fn migrate(&mut self, from: u32) -> Result<(), RuntimeError> {
        let lacks = || RuntimeError::component(self.module.file(), "exports no migration");
        let migrate = self.module.migrate().ok_or_else(lacks)?;
        let instance = self.instance;
        self.call(MIGRATION, |_, store| {
            let migrate = instance.get_typed_func::<(u32,), (Result<(), String>,)>(&mut *store, migrate)?;
            Ok(migrate.call(&mut *store, (from,))?.0)
        })
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
