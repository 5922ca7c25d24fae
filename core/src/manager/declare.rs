//! Declares namespaces.

use crate::error::IncrementalCheckpointError as Error;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::namespace::{KEPT_ID_MAX, NAMESPACES_MAX, Namespace, Namespaces};

impl<D> IncrementalCheckpointManager<D> {
    /// Declares a namespace: a part of the state that has keys of its own. Returns the id by which all calls name
    /// it. The id in the declaration does not count. The id stays the same as long as any kept checkpoint declares
    /// the namespace, and it is never given to another name.
    ///
    /// Declaring a namespace again in the same way returns the same id. Only [`schema`](Namespace::schema) and
    /// [`expires_after_ms`](Namespace::expires_after_ms) may differ: they are changed, and the latter counts for what
    /// is written from then on. The next checkpoint makes a declaration durable. It is not part of a
    /// [batch](Self::begin_batch).
    ///
    /// - A declaration that contradicts itself, or the one of the same name, is
    ///   [`InvalidInput`](Error::InvalidInput).
    /// - More than [`NAMESPACES_MAX`] namespaces are [`LimitExceeded`](Error::LimitExceeded).
    ///
    /// ```
    /// # use alluvium_core::directory::{block_on, MemoryDirectory};
    /// # use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
    /// # use std::sync::Arc;
    /// use alluvium_core::model::namespace::{Namespace, NamespaceKind};
    ///
    /// # let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
    /// # let open = IncrementalCheckpointManager::open(Arc::new(MemoryDirectory::new()), CheckpointConfig::default(), options);
    /// # let mut manager = block_on(open)?;
    /// let planes = manager.declare_namespace(&Namespace::new(0, "planes", NamespaceKind::Hashed))?;
    /// manager.put(b"N12345", b"of the default namespace")?;
    /// manager.put_in(planes, b"N12345", b"Cessna 172")?;
    /// assert_eq!(manager.get_in(planes, b"N12345")?, Some(&b"Cessna 172"[..]));
    /// assert_eq!(manager.namespaces().named("planes").map(|declared| declared.id), Some(planes));
    /// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
    /// ```
    pub fn declare_namespace(&mut self, declaration: &Namespace) -> Result<u32, Error> {
        self.declare_all(&[declaration]).map(|ids| ids[0])
    }

    /// Declares namespaces, all or none. Returns the id of each.
    pub(super) fn declare_all(&mut self, declarations: &[&Namespace]) -> Result<Vec<u32>, Error> {
        let before = self.live.spaces.declared();
        let mut declared: Vec<Namespace> = before.iter().cloned().collect();
        let ids = declarations.iter().map(|declaration| add(&mut declared, declaration)).collect::<Result<_, _>>()?;
        let declared = Namespaces::new(declared)?;
        if declared != *before {
            let stop = self.live.state.stop().cloned();
            self.live.spaces.declare(declared, stop.as_ref());
            // A WAL file can follow only a checkpoint that declares the same.
            self.wal.from = self.lineage.next_id.unwrap_or(u64::MAX);
        }
        Ok(ids)
    }

    /// Returns the declared namespaces.
    pub fn namespaces(&self) -> &Namespaces {
        self.live.spaces.declared()
    }
}

/// Adds a declaration, or changes the one of the same name. Returns its id.
fn add(declared: &mut Vec<Namespace>, declaration: &Namespace) -> Result<u32, Error> {
    let name = &declaration.name;
    if declaration.expires.is_some() && declaration.expires_after_ms == 0 {
        let what = format!("namespace {name:?}: its entries would expire at once: give 1 millisecond or more");
        return Err(Error::InvalidInput(what));
    }
    if let Some(known) = declared.iter_mut().find(|known| known.name == *name) {
        let changed = Namespace { id: known.id, ..declaration.clone() };
        let Namespace { schema, expires_after_ms, .. } = changed;
        if changed != (Namespace { expires_after_ms, schema, ..known.clone() }) {
            let what = format!("namespace {name:?} is declared as {known:?}, and cannot become {declaration:?}");
            return Err(Error::InvalidInput(what));
        }
        *known = changed;
        return Ok(known.id);
    }
    let id = declared.last().map_or(0, |last| last.id) + 1;
    if declared.len() >= NAMESPACES_MAX || id > KEPT_ID_MAX {
        let what = format!("at most {NAMESPACES_MAX} namespaces are declared, with ids up to {KEPT_ID_MAX}");
        return Err(Error::LimitExceeded(format!("namespace {name:?}: {what}")));
    }
    declared.push(Namespace { id, ..declaration.clone() });
    Ok(id)
}
