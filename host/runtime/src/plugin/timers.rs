//! Timers that are due, and the end of the inputs.

use crate::bindings::engine::alluvium::checkpoint::types::{NamespaceKind, TimeDomain};
use crate::description::Description;
use crate::engine::{Engine, lock};
use crate::error::RuntimeError;
use crate::limits::Limit;
use crate::plugin::{Plugin, Running};

/// How many timers one call has at most. What a plugin sees may not depend on the machine, so it is no option.
const TIMERS_PER_CALL: u32 = 4_096;

/// The namespaces of a plugin that hold timers, in the order in which it declares them.
#[derive(Debug, Default)]
pub(super) struct Queues {
    event: Vec<u32>,
    processing: Vec<u32>,
    /// How many more timers may be due before the clocks move again; none are, as far as is known, without it.
    left: Option<u64>,
}

impl Queues {
    /// Finds them among the plugin's namespaces, which have these numbers.
    pub(super) fn of(description: &Description, numbers: &[u32]) -> Self {
        let mut queues = Self::default();
        for (declared, &number) in description.namespaces.iter().zip(numbers) {
            match declared.kind {
                NamespaceKind::Timers(TimeDomain::Event) => queues.event.push(number),
                NamespaceKind::Timers(TimeDomain::Processing) => queues.processing.push(number),
                NamespaceKind::Hashed | NamespaceKind::Ordered(_) => {}
            }
        }
        queues
    }

    /// Returns how many timers there are.
    fn len(&self, engine: &mut dyn Engine) -> Result<u64, RuntimeError> {
        let mut timers = 0_u64;
        for namespace in self.event.iter().chain(&self.processing) {
            timers = timers.saturating_add(engine.len(*namespace)?);
        }
        Ok(timers)
    }

    /// Returns the namespace and the time of the first timers that are due.
    fn due(&self, engine: &mut dyn Engine, all_of_event_time: bool) -> Result<Option<(u32, i64)>, RuntimeError> {
        let watermark = if all_of_event_time { Some(i64::MAX) } else { engine.watermark()? };
        let processing_time = if self.processing.is_empty() { None } else { engine.processing_time()? };
        self.due_by(engine, watermark, processing_time)
    }

    /// The same, if the clocks showed these times.
    fn due_by(
        &self,
        engine: &mut dyn Engine,
        watermark: Option<i64>,
        processing_time: Option<i64>,
    ) -> Result<Option<(u32, i64)>, RuntimeError> {
        for (queues, clock) in [(&self.event, watermark), (&self.processing, processing_time)] {
            let Some(clock) = clock else { continue };
            let mut firsts = Vec::new();
            for &namespace in queues {
                firsts.extend(engine.first_timer(namespace)?.map(|at_ms| (namespace, at_ms)));
            }
            // Of namespaces with timers for the same time, the first one is chosen.
            let first = firsts.into_iter().min_by_key(|(_, at_ms)| *at_ms);
            if first.is_some_and(|(_, at_ms)| at_ms <= clock) {
                return Ok(first);
            }
        }
        Ok(None)
    }
}

/// Timers whose work was done: those of one namespace and one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiredTimers {
    /// The namespace.
    pub namespace: u32,
    /// Their time, in milliseconds of the namespace's clock.
    pub at_ms: i64,
    /// How many there were.
    pub count: u64,
}

impl Plugin {
    /// Has the plugin do the work of the timers that are due first: those of one time and one namespace, at most 4,096
    /// of them. Returns how many there were; 0 says that none is due.
    ///
    /// Timers are due when the engine's [watermark](Engine::watermark) or
    /// [processing time](Engine::processing_time) has reached their times. Call this until it returns 0 after a clock
    /// has moved, and take what the plugin [emits](Self::take_emitted) after each call.
    ///
    /// If the plugin refuses, the timers are set again, and what it did is undone. If it sets more timers that are due
    /// at once than [`chained_timers`](crate::Limits::chained_timers) allows, it is ended.
    ///
    /// ```no_run
    /// # fn example(plugin: &mut alluvium_host::Plugin) -> Result<(), alluvium_host::RuntimeError> {
    /// plugin.with_engine(|engine| engine.set_watermark(1_700_000_000_000))?;
    /// while plugin.fire_timers()? > 0 {
    ///     let emitted = plugin.take_emitted();
    ///     // … it belongs to the next checkpoint …
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn fire_timers(&mut self) -> Result<u64, RuntimeError> {
        Ok(self.fire_first_timers(false)?.map_or(0, |fired| fired.count))
    }

    /// Does the same when all inputs have ended: all timers of event time are due.
    pub fn fire_all_timers(&mut self) -> Result<u64, RuntimeError> {
        Ok(self.fire_first_timers(true)?.map_or(0, |fired| fired.count))
    }

    /// Does what [`fire_timers`](Self::fire_timers) does, or [`fire_all_timers`](Self::fire_all_timers) with `all`, and
    /// says which timers they were. `None` says that none is due.
    pub fn fire_first_timers(&mut self, all: bool) -> Result<Option<FiredTimers>, RuntimeError> {
        self.call(|running| running.fire(all))
    }

    /// Whether timers would be due if the clocks showed these times.
    pub fn has_due_timers(
        &mut self,
        watermark_ms: Option<i64>,
        processing_time_ms: Option<i64>,
    ) -> Result<bool, RuntimeError> {
        self.call(|Running { engine, queues, .. }| {
            let due = queues.due_by(&mut *lock(engine), watermark_ms, processing_time_ms)?;
            Ok(due.is_some())
        })
    }

    /// Tells the plugin that all inputs have ended, after [all timers](Self::fire_all_timers) were worked through. A
    /// plugin that has no use for it is not told.
    pub fn finish(&mut self) -> Result<(), RuntimeError> {
        self.call(|running| running.operator.finish())
    }
}

impl Running {
    fn fire(&mut self, all_of_event_time: bool) -> Result<Option<FiredTimers>, RuntimeError> {
        let Self { operator, engine, queues, chained_timers, .. } = self;
        let due = queues.due(&mut *lock(engine), all_of_event_time)?;
        let Some((namespace, at_ms)) = due else {
            queues.left = None;
            return Ok(None);
        };
        let left = match queues.left {
            Some(left) => left,
            None => queues.len(&mut *lock(engine))?.saturating_add(*chained_timers),
        };
        let count = u64::from(operator.on_timers(namespace, at_ms, TIMERS_PER_CALL)?);
        queues.left = Some(left.checked_sub(count).ok_or_else(|| {
            let why = format!("its timers set more than {chained_timers} others that were due at once");
            RuntimeError::Limit { who: "the plugin", limit: Limit::Timers, why }
        })?);
        Ok(Some(FiredTimers { namespace, at_ms, count }))
    }
}
