//! An open manager, with the checkpoints that were begun.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use alluvium_core::directory::block_on;
use alluvium_core::model::stop::Stop;
use alluvium_core::{Clock, IncrementalCheckpointError, IncrementalCheckpointManager, MaintenanceReport};

use super::Storage;
use super::bindings::alluvium::checkpoint::types::Error;
use super::bindings::exports::alluvium::checkpoint::checkpoints as wit;
use super::clock::WasiClock;
use super::in_flight::InFlight;
use super::opening::{config, how_to_open};
use super::{convert, live};

/// Core's manager on a WASI directory.
pub(super) type Manager = IncrementalCheckpointManager<Storage>;

/// A manager, and the checkpoints that were begun. There is only one caller at a time, so borrowing a cell never
/// fails.
pub(super) struct Open {
    pub(super) manager: RefCell<Manager>,
    pub(super) in_flight: RefCell<InFlight>,
}

/// The resource. The bindings borrow it shared.
pub(super) struct OpenManager(pub(super) Rc<Open>);

/// Opens a manager, which becomes the one that `state` uses.
pub(super) fn open(directory: Arc<Storage>, options: &wit::OpenOptions) -> Result<wit::Manager, Error> {
    let manager = Manager::open(directory, config(options), how_to_open(options)?);
    let mut manager = block_on(manager).map_err(convert::error)?;
    manager.stop_when(Some(Stop::new(show_host)));
    let open = Rc::new(Open { manager: RefCell::new(manager), in_flight: RefCell::default() });
    live::add(&open);
    Ok(wit::Manager::new(OpenManager(open)))
}

/// Asks the host for the time, and never stops. A host that gives a call only so long ends it here.
fn show_host() -> bool {
    WasiClock.monotonic_us();
    false
}

impl OpenManager {
    /// Writes what was begun, before something else is written. What comes of it is told by `advance_checkpoints`.
    pub(super) fn settle(&self) {
        self.0.in_flight.borrow_mut().advance(&mut self.0.manager.borrow_mut(), true);
    }

    pub(super) fn maintained(
        &self,
        work: impl FnOnce(&mut Manager) -> Result<MaintenanceReport, IncrementalCheckpointError>,
    ) -> Result<wit::MaintenanceReport, Error> {
        self.settle();
        work(&mut self.0.manager.borrow_mut()).map(convert::maintenance).map_err(convert::error)
    }
}
