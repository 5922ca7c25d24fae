//! Linking compiled components: what they must export, and what they may import.

use std::path::Path;

use wasmtime::component::{Component, HasSelf, Linker};

use crate::bindings::{VERSION, plugin};
use crate::disk_limit;
use crate::engine::component;
use crate::error::RuntimeError;
use crate::module::Module;
use crate::store_data::StoreData;
use crate::wasi;

/// Why a plugin with an engine inside is not taken as it is.
const COMPOSED: &str = "exports an engine of its own, which would have a directory and a clock without the host's \
    engine in between: if it is yours, load it with Host::load_composed (the command: --composed)";

/// Links the engine component that was in `file`.
pub(crate) fn engine(file: &Path, component: &Component) -> Result<component::Ready, RuntimeError> {
    let compiler = component.engine();
    wants(file, &exports(component), "checkpoints", "the engine")?;
    let mut linker = Linker::new(compiler);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)
        .and_then(|()| disk_limit::count_writes(&mut linker, component))
        .and_then(|()| wasi::end_at_deadline(&mut linker))
        .map_err(|error| unlinkable(file, &error))?;
    let ready = linker.instantiate_pre(component).map_err(|error| unlinkable(file, &error))?;
    component::Ready::of_engine(file, ready).map_err(|error| other_world(file, &error))
}

/// Links the plugin that was in `file`: alone, or composed with an engine if the caller says that it is.
pub(crate) fn plugin(file: &Path, component: &Component, is_composed: bool) -> Result<Module, RuntimeError> {
    let exports = exports(component);
    wants(file, &exports, "operator", "a plugin")?;
    if is_composed {
        wants(file, &exports, "checkpoints", "a plugin that is composed with an engine")?;
    } else if exports.contains(&interface("checkpoints")) {
        return Err(RuntimeError::component(file, COMPOSED));
    }
    let linker = linker(component, is_composed).map_err(|error| unlinkable(file, &error))?;
    // What it imports beyond the shell, or does not export, is named before anything runs.
    let ready = linker.instantiate_pre(component).map_err(|error| unlinkable(file, &error))?;
    Module::of(file, ready, is_composed).map_err(|error| other_world(file, &error))
}

fn interface(name: &str) -> String {
    format!("alluvium:checkpoint/{name}@{VERSION}")
}

fn exports(component: &Component) -> Vec<String> {
    component.component_type().exports(component.engine()).map(|(name, _)| name.to_owned()).collect()
}

/// Refuses a component that does not export what its role asks for.
fn wants(file: &Path, exports: &[String], name: &str, role: &str) -> Result<(), RuntimeError> {
    let wanted = interface(name);
    if exports.contains(&wanted) {
        return Ok(());
    }
    let exports = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
    let why = format!("is a component of another world: {role} exports {wanted}, this one {exports}");
    Err(RuntimeError::component(file, why))
}

fn unlinkable(file: &Path, error: &wasmtime::Error) -> RuntimeError {
    RuntimeError::component(file, format!("asks for what it is not given: {error:#}"))
}

fn other_world(file: &Path, error: &wasmtime::Error) -> RuntimeError {
    RuntimeError::component(file, format!("is a component of another world, or of another version of it: {error:#}"))
}

/// Everything that a plugin may import. A composed one has its engine, and with it the state, inside.
fn linker(component: &Component, is_composed: bool) -> wasmtime::Result<Linker<StoreData>> {
    let mut linker = Linker::new(component.engine());
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    wasi::forbid_timers(&mut linker)?;
    wasi::bound_chance(&mut linker)?;
    if is_composed {
        disk_limit::count_writes(&mut linker, component)?;
        wasi::end_at_deadline(&mut linker)?;
    } else {
        plugin::alluvium::checkpoint::state::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |guest| guest)?;
        plugin::alluvium::checkpoint::time::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |guest| guest)?;
    }
    plugin::alluvium::checkpoint::logging::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |guest| guest)?;
    plugin::alluvium::checkpoint::sink::add_to_linker::<_, HasSelf<StoreData>>(&mut linker, |guest| guest)?;
    Ok(linker)
}
