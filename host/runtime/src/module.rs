//! A plugin's code: compiled and linked once, started as often as is asked for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::OnceLock;

use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use crate::bindings::VERSION;
use crate::bindings::plugin::exports::alluvium::checkpoint::operator;
use crate::engine::component;
#[cfg(target_os = "linux")]
use crate::error::RuntimeError;
#[cfg(target_os = "linux")]
use crate::isolated::code::SharedCode;
use crate::store_data::StoreData;

/// A compiled plugin, made by [`Host::load`](crate::Host::load). Cloning it is free.
#[derive(Clone)]
pub struct Module(Arc<Inner>);

struct Inner {
    file: PathBuf,
    operator: operator::GuestIndices,
    optional: Optional,
    form: Form,
    /// The code for workers, once one has asked for it.
    #[cfg(target_os = "linux")]
    shared_code: OnceLock<SharedCode>,
}

/// The functions that a plugin need not export.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Optional {
    pub(crate) migrate: Option<ComponentExportIndex>,
    pub(crate) on_timers: Option<ComponentExportIndex>,
    pub(crate) finish: Option<ComponentExportIndex>,
    pub(crate) route: Option<ComponentExportIndex>,
}

impl Optional {
    fn of(component: &Component) -> Self {
        let find = |interface: &str, function: &str| {
            let interface = format!("alluvium:checkpoint/{interface}@{VERSION}");
            let interface = component.get_export_index(None, interface.as_str())?;
            component.get_export_index(Some(&interface), function)
        };
        Self {
            migrate: find("migration", "migrate"),
            on_timers: find("timed", "on-timers"),
            finish: find("timed", "finish"),
            route: find("keyed", "route"),
        }
    }
}

/// How a plugin comes.
pub(crate) enum Form {
    /// Alone: the host leads its `state` to the engine component.
    Alone(InstancePre<StoreData>),
    /// With an engine inside.
    Composed(Box<component::Ready>),
}

impl Module {
    pub(crate) fn of(file: &Path, ready: InstancePre<StoreData>, is_composed: bool) -> wasmtime::Result<Self> {
        let operator = operator::GuestIndices::new(&ready)?;
        let optional = Optional::of(ready.component());
        let form = if is_composed {
            Form::Composed(Box::new(component::Ready::of_composed(file, ready)?))
        } else {
            Form::Alone(ready)
        };
        let inner = Inner {
            file: file.to_owned(),
            operator,
            optional,
            form,
            #[cfg(target_os = "linux")]
            shared_code: OnceLock::new(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The file that it was loaded from.
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// Whether the engine is inside. Such a plugin shares the directory that its engine is granted:
    /// it is for one's own plugins, not for strangers'.
    pub fn is_composed(&self) -> bool {
        matches!(self.0.form, Form::Composed(_))
    }

    /// Whether it can take over the state of other versions of itself.
    pub fn migrates(&self) -> bool {
        self.0.optional.migrate.is_some()
    }

    /// Whether it takes timers that are due, and is told of the end of its inputs.
    pub fn is_timed(&self) -> bool {
        self.0.optional.on_timers.is_some()
    }

    /// Whether it says which keys its records belong to.
    pub fn is_keyed(&self) -> bool {
        self.0.optional.route.is_some()
    }

    pub(crate) fn form(&self) -> &Form {
        &self.0.form
    }

    /// The machine code, for a worker to map.
    #[cfg(target_os = "linux")]
    pub(crate) fn shared_code(&self) -> Result<&SharedCode, RuntimeError> {
        if let Some(code) = self.0.shared_code.get() {
            return Ok(code);
        }
        let component = match &self.0.form {
            Form::Alone(ready) => ready.component(),
            Form::Composed(ready) => ready.component(),
        };
        let code = SharedCode::of(component)
            .map_err(|error| RuntimeError::Host(format!("the code of {}: {error}", self.file().display())))?;
        Ok(self.0.shared_code.get_or_init(|| code))
    }

    pub(crate) fn operator(&self) -> &operator::GuestIndices {
        &self.0.operator
    }

    pub(crate) fn optional(&self) -> Optional {
        self.0.optional
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("file", &self.0.file).field("is_composed", &self.is_composed()).finish()
    }
}
