//! Runs over either kind of storage.

use alluvium_host::{Host, Migrated, Module, Plugin, PluginOptions, RuntimeError};

use super::arguments::Run;
use super::components::EngineComponent;
use crate::failure::Failure;
use crate::storage::{Place, Storage};

/// Refuses what needs a directory of the file system, before anything is compiled.
pub(super) fn check(run: &Run, engine: &EngineComponent) -> Result<(), Failure> {
    let Place::Store(_) = Place::of(&run.dir)? else { return Ok(()) };
    let refused = |what: &str, to_do: &str| Err(Failure::at(run.dir.display(), what).hint(to_do));
    if run.isolate {
        return refused("--isolate locks a process into a directory of the file system", "leave out --isolate");
    }
    if run.composed {
        return refused("a composed plugin keeps its files in a directory of the file system", "leave out --composed");
    }
    if run.only_try {
        return refused(
            "a migration is tried out on a copy in the file system",
            "`alluvium backup` copies the directory",
        );
    }
    if *engine != EngineComponent::Native {
        let what = "the engine component keeps its files in a directory of the file system";
        return refused(what, "add --engine native, which writes the same bytes");
    }
    // Without the feature, it says so.
    Storage::object(&run.dir.to_string_lossy()).map(drop)
}

/// Starts a plugin.
pub(super) fn start(
    host: &Host,
    plugin: &Module,
    storage: Storage,
    options: &PluginOptions,
) -> Result<Plugin, RuntimeError> {
    match storage {
        Storage::Files(directory) => host.start_in(plugin, directory, options),
        #[cfg(feature = "object")]
        Storage::Object(directory) => {
            let name = directory.name().to_owned();
            host.start_over(plugin, std::sync::Arc::new(directory), &name, options)
        }
    }
}

/// Migrates the state.
pub(super) fn migrate(
    host: &Host,
    plugin: &Module,
    storage: Storage,
    options: &PluginOptions,
) -> Result<Option<Migrated>, RuntimeError> {
    match storage {
        Storage::Files(directory) => host.migrate(plugin, directory, options),
        #[cfg(feature = "object")]
        Storage::Object(directory) => {
            let name = directory.name().to_owned();
            host.migrate_over(plugin, std::sync::Arc::new(directory), &name, options)
        }
    }
}
