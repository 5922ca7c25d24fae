//! Starting an instance of a plugin.

use std::sync::{Arc, Mutex};

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::deadline::Allowance;
use crate::description::Description;
use crate::engine::component::ComponentEngine;
use crate::engine::{SharedEngine, lock};
use crate::error::RuntimeError;
use crate::limits::Limits;
use crate::module::{Form, Module};
use crate::operator::local::{Place, on_store};
use crate::operator::{LocalOperator, Operator};
use crate::stack::with_room;
use crate::stderr_tail::Tail;
use crate::store_data::{StoreData, explain_start};
use crate::system_error::make_images;
use crate::wasi;

impl LocalOperator {
    /// Starts an instance over the engine's state; a composed plugin's is `inside` the engine's own.
    pub(crate) fn start(
        module: &Module,
        engine: &SharedEngine,
        inside: Option<(Arc<Mutex<ComponentEngine>>, Instance)>,
        limits: &Limits,
        allowance: Allowance,
    ) -> Result<Self, RuntimeError> {
        let file = module.file();
        let load = |store: &mut Store<StoreData>, instance: &Instance| module.operator().load(store, instance);
        let (mut place, instance, guest) = match (module.form(), inside) {
            (Form::Alone(ready), _) => {
                let stderr = Tail::default();
                let wasi = (wasi::of_plugin(stderr.clone()), stderr);
                let granted = (limits.plugin_memory_bytes, limits);
                let mut store =
                    Box::new(StoreData::store(ready.engine(), "the plugin", wasi, granted, Some(engine.clone())));
                store.set_hostcall_fuel(limits.call_bytes);
                let started = |store: &mut Store<StoreData>| {
                    make_images(ready.component())?;
                    allowance.grant(store)?;
                    let instance = ready.instantiate(&mut *store)?;
                    load(store, &instance).map(|guest| (instance, guest))
                };
                let (instance, guest) = with_room(limits.stack_bytes, || started(&mut store))
                    .map_err(|error| explain_start(&*store, file, &error))?;
                (Place::Own { store, is_dead: false }, instance, guest)
            }
            (Form::Composed(_), Some((engine, instance))) => {
                let guest = lock(&engine).enter(|store| load(store, &instance));
                let guest = guest.map_err(|error| RuntimeError::component(file, format!("has another world: {error}")));
                (Place::OfEngine(engine), instance, guest?)
            }
            (Form::Composed(_), None) => {
                return Err(RuntimeError::component(file, "has an engine inside: it cannot be put over another one"));
            }
        };
        let described = on_store(&mut place, |store| {
            allowance.grant(store)?;
            guest.call_describe(&mut *store)
        })?;
        let description = Description::checked(described).map_err(|why| RuntimeError::component(file, why))?;
        if description.has_timers() && !module.is_timed() {
            return Err(RuntimeError::component(file, "declares timers, and exports no `timed` to take them"));
        }
        let engine = engine.clone();
        let mut started =
            Self { place, engine, guest, instance, module: module.clone(), allowance, description, uncounted_bytes: 0 };
        started.take_emitted();
        Ok(started)
    }
}
