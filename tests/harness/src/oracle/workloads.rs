//! What a session does: actions, all short workloads of them, and longer ones drawn by seed.

use crate::tally::Budget;

/// What a workload is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Puts a key, new or not.
    Put,
    /// Deletes a key, if there is one.
    Delete,
    /// Takes a checkpoint.
    Checkpoint,
    /// Keeps the newest checkpoint alone.
    Cleanup,
    /// Deletes the newest checkpoint.
    DeleteCheckpoint,
    /// Makes the oldest checkpoint the newest.
    Restore,
    /// Closes and opens again.
    Reopen,
    /// Takes a checkpoint with an opaque state beside.
    Opaque,
    /// Imports an archive.
    Import,
    /// Makes what was put durable by a log, without a checkpoint.
    Flush,
}

/// All of them.
pub const ACTIONS: [Action; 10] = [
    Action::Put,
    Action::Delete,
    Action::Checkpoint,
    Action::Cleanup,
    Action::DeleteCheckpoint,
    Action::Restore,
    Action::Reopen,
    Action::Opaque,
    Action::Import,
    Action::Flush,
];

/// The `index`th workload of up to three actions, between two checkpoints before it and one after;
/// `None` past the last.
pub fn workload(index: u64) -> Option<Vec<Action>> {
    let count = ACTIONS.len() as u64;
    let mut index = index;
    for length in 0..=3_u32 {
        let of_length = count.pow(length) * 2;
        if index < of_length {
            let mut actions = Vec::new();
            // In a fresh directory and in one with a history.
            if index % 2 == 1 {
                actions.extend([Action::Put, Action::Checkpoint, Action::Put, Action::Checkpoint]);
            }
            index /= 2;
            for _ in 0..length {
                actions.push(ACTIONS[usize::try_from(index % count).unwrap_or_default()]);
                index /= count;
            }
            actions.extend([Action::Put, Action::Checkpoint]);
            return Some(actions);
        }
        index -= of_length;
    }
    None
}

/// The `case`th history of the long run: every workload first, in an order that the seed gives, then
/// longer ones that are drawn.
pub fn history(case: u64, budget: &Budget) -> Vec<Action> {
    if let Some(actions) = budget.order(workloads()).at(case).and_then(workload) {
        return actions;
    }
    let mut random = budget.random(case);
    let mut actions: Vec<Action> = (0..random.u32(4..=10))
        .map(|_| match random.u8(0..8) {
            0..2 => Action::Put,
            2 => Action::Checkpoint,
            _ => ACTIONS[random.usize(0..ACTIONS.len())],
        })
        .collect();
    actions.extend([Action::Put, Action::Checkpoint]);
    actions
}

/// How many workloads there are.
pub fn workloads() -> u64 {
    (0..=3).map(|length| (ACTIONS.len() as u64).pow(length) * 2).sum()
}
