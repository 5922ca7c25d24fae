//! Starting plugins, and migrating their state.

use std::path::Path;
use std::time::Instant;

use alluvium::NativeDirectory;

use crate::error::RuntimeError;
use crate::host::{Host, Started};
use crate::migrate::{self, Migrated};
use crate::module::Module;
use crate::plugin::Plugin;
use crate::plugin_options::PluginOptions;

impl Host {
    /// Starts a plugin over the directory at `path`, which is created if it is missing, and is the
    /// plugin's alone for as long as it lives.
    ///
    /// A state that is another plugin's, or of another version, is
    /// [`OtherPlugin`](RuntimeError::OtherPlugin).
    pub fn start(
        &self,
        module: &Module,
        path: impl AsRef<Path>,
        options: &PluginOptions,
    ) -> Result<Plugin, RuntimeError> {
        NativeDirectory::create(path.as_ref())?;
        self.start_in(module, NativeDirectory::open_exclusive(path.as_ref())?, options)
    }

    /// Starts a plugin over a directory that is opened already.
    pub fn start_in(
        &self,
        module: &Module,
        directory: NativeDirectory,
        options: &PluginOptions,
    ) -> Result<Plugin, RuntimeError> {
        let begun = Instant::now();
        let path = directory.path().to_owned();
        let started = self.open(module, directory, options)?;
        let metrics = self.0.metrics.add(&started.operator.identity().name, &path.display().to_string());
        Plugin::new(self.clone(), module.clone(), options.clone(), path, started, metrics, begun)
    }

    /// Brings the state in a directory to the schema version of `module`, by its own migration: from the
    /// newest checkpoint to a new one, with the same offsets and watermark. After an error the old
    /// checkpoint is the newest still, and nothing has changed. None where nothing is to be done:
    /// there is no state, or it is of that version already.
    pub fn migrate(
        &self,
        module: &Module,
        directory: NativeDirectory,
        options: &PluginOptions,
    ) -> Result<Option<Migrated>, RuntimeError> {
        let path = directory.path().to_owned();
        let Started { engine, mut operator } = self.open(module, directory, options)?;
        let migrated = migrate::migrate(&mut operator, &engine);
        // The operator first: what it holds of the engine goes with it.
        drop((operator, engine));
        if let Ok(Some(migrated)) = &migrated {
            tracing::info!(directory = %path.display(), plugin = %migrated.plugin, from = migrated.from,
                to = migrated.to, checkpoint = migrated.checkpoint, "migrated");
        }
        migrated
    }
}
