//! Starting engine and plugin behind the wall.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use alluvium::NativeDirectory;
use wasmtime::component::Component;

use super::Served;
use crate::compiler::features::CompilerSettings;
use crate::compiler::{link, precompiled};
use crate::deadline::{Allowance, Ticks, tick};
use crate::engine::component::ComponentEngine;
use crate::engine::{NativeEngine, SharedEngine, lock};
use crate::error::RuntimeError;
use crate::isolated::clock::SetClock;
use crate::isolated::message::{Described, EngineKind, Start};
use crate::limits::Limits;
use crate::module::{Form, Module};
use crate::operator::{LocalOperator, Operator};

/// What comes with the first message.
pub(super) struct Parts {
    pub(super) directory: OwnedFd,
    lock: Option<OwnedFd>,
    engine: Option<OwnedFd>,
    plugin: OwnedFd,
}

impl Parts {
    /// Tells the descriptors apart.
    pub(super) fn of(start: &Start, descriptors: Vec<OwnedFd>) -> Option<Self> {
        let mut rest = descriptors.into_iter();
        let directory = rest.next()?;
        let lock = if start.has_lock { Some(rest.next()?) } else { None };
        let engine = if matches!(start.engine, EngineKind::Component(_)) { Some(rest.next()?) } else { None };
        Some(Self { directory, lock, engine, plugin: rest.next()? })
    }
}

/// What loads code. Nothing is compiled in a worker.
pub(super) struct Compilers {
    trusted: wasmtime::Engine,
    limited: wasmtime::Engine,
    counts_fuel: bool,
    ticks: Ticks,
}

impl Compilers {
    pub(super) fn new(start: &Start) -> Result<Self, RuntimeError> {
        let loader = |settings: &CompilerSettings, has_huge_pages: bool| {
            settings.compiler(|config| {
                if has_huge_pages {
                    settings.add_huge_pages(config);
                }
                config.enable_compiler(false);
            })
        };
        let (trusted, limited) = (loader(&start.trusted, true)?, loader(&start.limited, false)?);
        let ticks = tick(&limited)?;
        Ok(Self { trusted, limited, counts_fuel: start.counts_fuel, ticks })
    }

    fn allowance(&self, limits: &Limits) -> Allowance {
        Allowance::of(limits, self.counts_fuel, &self.ticks)
    }

    fn plugin(&self, file: &Path, code: BorrowedFd<'_>, is_composed: bool) -> Result<Module, RuntimeError> {
        link::plugin(file, &load(&self.limited, code)?, is_composed)
    }
}

fn load(loader: &wasmtime::Engine, code: BorrowedFd<'_>) -> Result<Component, RuntimeError> {
    precompiled::load_shared(loader, code)
        .map_err(|error| RuntimeError::Host(format!("compiled code cannot be loaded: {error:#}")))
}

/// Loads the code, opens the directory, and starts the first instance.
pub(super) fn start(compilers: Compilers, start: Start, parts: Parts) -> Result<(Served, Described), RuntimeError> {
    let limits = &start.limits;
    let clock = Arc::new(SetClock::at(start.now));
    let how = start.options.with(clock.clone());
    let directory = NativeDirectory::of_descriptor(parts.directory, &start.directory);
    let directory = if start.accepts_weaker_promises { directory.accept_weaker_promises()? } else { directory };
    let module = compilers.plugin(&start.plugin, parts.plugin.as_fd(), start.engine == EngineKind::Inside)?;
    let (engine, inside): (SharedEngine, _) = match (&start.engine, module.form(), &parts.engine) {
        (EngineKind::Native, _, _) => (NativeEngine::open_files(directory, &how)?.shared(), None),
        (EngineKind::Component(file), _, Some(code)) => {
            let ready = link::engine(file, &load(&compilers.trusted, code.as_fd())?)?;
            (ComponentEngine::open(&ready, directory, &how, limits)?.0, None)
        }
        (EngineKind::Inside, Form::Composed(ready), _) => {
            let (engine, instance) = ComponentEngine::open(ready, directory, &how, limits)?;
            (engine.clone(), Some((engine, instance)))
        }
        _ => return Err(RuntimeError::Host("a worker was given no engine".to_owned())),
    };
    lock(&engine).hold_to_disk_limits(limits)?;
    let operator = LocalOperator::start(&module, &engine, inside, limits, compilers.allowance(limits))?;
    let described = operator.description().said();
    let operators = BTreeMap::from([(0, operator)]);
    Ok((Served { operators, engine, clock, compilers, _lock: parts.lock }, described))
}

impl Served {
    /// Starts another instance over the engine.
    pub(super) fn another(
        &mut self,
        number: u32,
        file: &Path,
        descriptors: Vec<OwnedFd>,
        limits: &Limits,
    ) -> Result<Described, RuntimeError> {
        let given = || RuntimeError::Host("a worker was given no code".to_owned());
        let code = descriptors.into_iter().next().ok_or_else(given)?;
        let module = self.compilers.plugin(file, code.as_fd(), false)?;
        let operator = LocalOperator::start(&module, &self.engine, None, limits, self.compilers.allowance(limits))?;
        let described = operator.description().said();
        self.operators.insert(number, operator);
        Ok(described)
    }
}
