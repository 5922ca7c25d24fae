//! What the tests do with an engine: steps, each of which ends when it is durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::IncrementalCheckpointManager;
use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_wasi_runner::keyvalue::{MemoryValues, Values};

use crate::support::{Failed, Instance, Severity, TRUSTED, options};

/// How many steps a story has.
pub(crate) const STEPS: u32 = 4;

/// Returns what a step puts. That of step 3 has several parts in the store.
fn value(step: u32) -> Vec<u8> {
    let length = if step == 3 { 600_000 } else { 20 };
    (0..length).map(|at: u32| (at.wrapping_mul(step) % 251) as u8).collect()
}

/// Returns the step that the state is at, and checks that the state is exactly that of this step.
pub(crate) fn step_of(instance: &mut Instance) -> u32 {
    let step = instance.get("step").map_or(0, |step| u32::from_le_bytes(step.try_into().expect("four bytes")));
    let found: BTreeMap<u32, Vec<u8>> =
        (1..=STEPS).filter_map(|step| Some((step, instance.get(&format!("key {step}"))?))).collect();
    let expected: BTreeMap<u32, Vec<u8>> = (1..=step).map(|step| (step, value(step))).collect();
    assert!(found == expected, "the state of step {step} has the keys {:?}", found.keys());
    step
}

/// What was told in a story.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Told {
    /// The step that opening has recovered.
    pub(crate) recovered: Option<u32>,
    /// The last step of which the engine has said that it is durable.
    pub(crate) durable: u32,
}

/// Does the steps that are left, with a sync for every second one and a checkpoint for the others, and takes note of
/// each when it is durable. Retention deletes files after each checkpoint.
pub(crate) fn tell(values: &Arc<dyn Values>, told: &mut Told) -> Result<(), Failed> {
    let mut instance = Instance::open(values, &options(TRUSTED))?;
    let recovered = step_of(&mut instance);
    *told = Told { recovered: Some(recovered), durable: recovered };
    for step in recovered + 1..=STEPS {
        instance.put("step", &step.to_le_bytes());
        instance.put(&format!("key {step}"), &value(step));
        if step % 2 == 0 {
            instance.sync()?;
        } else {
            drop(instance.checkpoint()?);
        }
        told.durable = step;
    }
    Ok(())
}

/// Checks what is in a store at the end: nothing is damaged, and after a collection nothing is left over.
pub(crate) fn check_clean(values: &Arc<MemoryValues>) {
    let values: Arc<dyn Values> = values.clone();
    let mut instance = Instance::open(&values, &options(TRUSTED)).expect("it opens");
    let verified = instance.on(|m, s, this| m.call_verify(s, this)).expect("no trap").expect("it reads");
    let damaged: Vec<_> = verified.findings.iter().filter(|finding| finding.severity == Severity::Damage).collect();
    assert!(damaged.is_empty(), "{damaged:?}");
    let collected =
        instance.on(|m, s, this| m.call_collect_garbage(s, this, false)).expect("no trap").expect("it works");
    assert!(collected.errors.is_empty(), "{:?}", collected.errors);
    let verified = instance.on(|m, s, this| m.call_verify(s, this)).expect("no trap").expect("it reads");
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}

/// Tells the same story to core.
pub(crate) fn tell_natively(manager: &mut IncrementalCheckpointManager<MemoryDirectory>) {
    for step in 1..=STEPS {
        manager.put(b"step", &step.to_le_bytes()).expect("it is short");
        manager.put(format!("key {step}").as_bytes(), &value(step)).expect("it is short");
        if step % 2 == 0 {
            block_on(manager.sync(0)).expect("it syncs");
        } else {
            block_on(manager.create_checkpoint(0)).expect("it is taken");
        }
    }
}
