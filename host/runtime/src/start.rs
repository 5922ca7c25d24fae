//! Starting plugins, and migrating their state.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use alluvium::NativeDirectory;
use alluvium_core::directory::Directory;

use crate::engine::{NativeEngine, PartsStart};
use crate::error::RuntimeError;
use crate::host::{Host, OpenOther, Opened, Started};
use crate::migrate::{self, Migrated};
use crate::module::Module;
use crate::plugin::{Plugin, Reopen};
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
        let path = directory.path().to_owned();
        let (again, accepts_weaker) = (path.clone(), directory.accepts_weaker_promises());
        let reopen: Reopen = Arc::new(move |host, module, options| {
            let directory = NativeDirectory::open_exclusive(&again)?;
            let directory = if accepts_weaker { directory.accept_weaker_promises()? } else { directory };
            host.open(module, Opened::Files(directory), options)
        });
        self.start_opened(module, Opened::Files(directory), path, reopen, options)
    }

    /// Starts a plugin over a directory of any kind, which is the plugin's alone for as long as it lives; `name` is
    /// what events and metrics call it. The host must be a [native](Self::native) one.
    pub fn start_over<D: Directory + Send + Sync + 'static>(
        &self,
        module: &Module,
        directory: Arc<D>,
        name: &str,
        options: &PluginOptions,
    ) -> Result<Plugin, RuntimeError> {
        let open: Arc<OpenOther> = Arc::new(move |how| Ok(NativeEngine::open(directory.clone(), how)?.shared()));
        let again = open.clone();
        let reopen: Reopen = Arc::new(move |host, module, options| host.open(module, Opened::Other(&*again), options));
        self.start_opened(module, Opened::Other(&*open), name.into(), reopen, options)
    }

    /// Starts a plugin over an empty directory whose state is made of parts of others. The plugin may read and write
    /// only the keys that the directory owns. The host must be a [native](Self::native) one, and the plugin cannot be
    /// restarted.
    pub fn start_parts<D: Directory + Send + Sync + 'static>(
        &self,
        module: &Module,
        start: PartsStart<D>,
        name: &str,
        options: &PluginOptions,
    ) -> Result<Plugin, RuntimeError> {
        let open: Arc<OpenOther> = Arc::new(move |how| Ok(NativeEngine::open_parts(&start, how)?.shared()));
        let reopen: Reopen = Arc::new(|_, _, _| {
            Err(RuntimeError::Host("the part of a job is opened by the job, with its next generation".to_owned()))
        });
        self.start_opened(module, Opened::Other(&*open), name.into(), reopen, options)
    }

    fn start_opened(
        &self,
        module: &Module,
        directory: Opened<'_>,
        path: PathBuf,
        reopen: Reopen,
        options: &PluginOptions,
    ) -> Result<Plugin, RuntimeError> {
        let begun = Instant::now();
        let started = self.open(module, directory, options)?;
        let metrics = self.0.metrics.add(&started.operator.identity().name, &path.display().to_string());
        Plugin::new(self.clone(), module.clone(), options.clone(), (path, reopen), started, metrics, begun)
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
        self.migrate_opened(module, Opened::Files(directory), &path, options)
    }

    /// Does what [`migrate`](Self::migrate) does in a directory of any kind; `name` is what events call it. The host must
    /// be a [native](Self::native) one.
    pub fn migrate_over<D: Directory + Send + Sync + 'static>(
        &self,
        module: &Module,
        directory: Arc<D>,
        name: &str,
        options: &PluginOptions,
    ) -> Result<Option<Migrated>, RuntimeError> {
        let open: Box<OpenOther> = Box::new(move |how| Ok(NativeEngine::open(directory.clone(), how)?.shared()));
        self.migrate_opened(module, Opened::Other(&*open), Path::new(name), options)
    }

    fn migrate_opened(
        &self,
        module: &Module,
        directory: Opened<'_>,
        path: &Path,
        options: &PluginOptions,
    ) -> Result<Option<Migrated>, RuntimeError> {
        let Started { engine, mut operator } = self.open(module, directory, options)?;
        let migrated = migrate::migrate(&mut *operator, &engine);
        // The operator first: what it holds of the engine goes with it.
        drop((operator, engine));
        if let Ok(Some(migrated)) = &migrated {
            tracing::info!(directory = %path.display(), plugin = %migrated.plugin, from = migrated.from,
                to = migrated.to, checkpoint = migrated.checkpoint, "migrated");
        }
        migrated
    }
}
