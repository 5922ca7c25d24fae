//! An open manager, with the checkpoints that were begun.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use alluvium_core::directory::block_on;
use alluvium_core::{IncrementalCheckpointError, IncrementalCheckpointManager, MaintenanceReport};

use super::bindings::alluvium::checkpoint::types::Error;
use super::bindings::exports::alluvium::checkpoint::checkpoints as wit;
use super::directory::WasiDirectory;
use super::in_flight::InFlight;
use super::opening::{config, how_to_open};
use super::{convert, live};

/// Core's manager on a WASI directory.
pub(super) type Manager = IncrementalCheckpointManager<WasiDirectory>;

/// The resource, with the checkpoints that were begun. The bindings borrow it shared. There is only one caller at a time, so borrowing the cell never
/// fails.
pub(super) struct OpenManager(pub(super) Rc<RefCell<Manager>>, pub(super) Rc<RefCell<InFlight>>);

/// Opens a manager, which becomes the one that `state` uses.
pub(super) fn open(directory: Arc<WasiDirectory>, options: &wit::OpenOptions) -> Result<wit::Manager, Error> {
    let manager = block_on(Manager::open(directory, config(options), how_to_open(options)?)).map_err(convert::error)?;
    let manager = Rc::new(RefCell::new(manager));
    live::add(&manager);
    Ok(wit::Manager::new(OpenManager(manager, Rc::default())))
}

impl OpenManager {
    /// Writes what was begun, before something else is written. What comes of it is told by `advance_checkpoints`.
    pub(super) fn settle(&self) {
        self.1.borrow_mut().advance(&mut self.0.borrow_mut(), true);
    }

    pub(super) fn maintained(
        &self,
        work: impl FnOnce(&mut Manager) -> Result<MaintenanceReport, IncrementalCheckpointError>,
    ) -> Result<wit::MaintenanceReport, Error> {
        self.settle();
        work(&mut self.0.borrow_mut()).map(convert::maintenance).map_err(convert::error)
    }
}
