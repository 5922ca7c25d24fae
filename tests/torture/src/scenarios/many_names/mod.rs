//! Scenario 21: names without number, foreign ones and remains of checkpoints. What an operation does must
//! not grow with them, beyond listing them.

mod work;

use alluvium_test_harness::Files;
use alluvium_test_harness::tally::{Budget, Tally};
use fastrand::Rng;

use self::work::work;

/// Foreign names in a sample, and in the long run.
const FOREIGN: [u32; 2] = [20_000, 1_000_000];

/// The same for names that are Alluvium's: deleting a million files takes its time.
const OWN: [u32; 2] = [8_000, 100_000];

/// What the names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Files of somebody else's, beside everything.
    Foreign,
    /// Near misses of every name that Alluvium gives.
    NearMisses,
    /// Checkpoints without metadata.
    Partial,
    /// Segments that no checkpoint names.
    Segments,
    /// WAL files without their checkpoint.
    Orphans,
    /// Marks of checkpoints that were deleted.
    Marks,
}

const KINDS: [Kind; 6] = [Kind::Foreign, Kind::NearMisses, Kind::Partial, Kind::Segments, Kind::Orphans, Kind::Marks];

impl Kind {
    fn name(self, n: u32, random: &mut Rng) -> String {
        let (number, other) = (u64::from(n) + 1_000, random.u32(..));
        match self {
            Self::Foreign => format!("{}notes-{n}-{other}", ["", "segments/", "wal/"][n as usize % 3]),
            Self::NearMisses => match n % 5 {
                0 => format!("checkpoint_{number:x}/metadata.json"),
                1 => format!("checkpoint_{number:016x}/metadata.json.{other}"),
                2 => format!("segments/{number:016x}.base.{other}"),
                3 => format!("wal/{number:016x}-{other}.log"),
                _ => format!("Segments/{number:016x}.delta"),
            },
            Self::Partial => format!("checkpoint_{number:016x}/state.bin"),
            Self::Segments => format!("segments/{number:016x}.delta"),
            Self::Orphans => format!("wal/{number:016x}-{:016x}.log", 1),
            Self::Marks => format!("checkpoint_{number:016x}/deleted"),
        }
    }

    fn is_foreign(self) -> bool {
        matches!(self, Self::Foreign | Self::NearMisses)
    }

    fn files(self, count: u32, random: &mut Rng) -> Files {
        (0..count).map(|n| (self.name(n, random), Vec::new())).collect()
    }
}

/// Scenario 21.
pub fn many_names(budget: Budget) -> Tally {
    let mut tally = Tally::new(21, "a million names that mean nothing", "operations");
    let before = match work(Files::new()) {
        Ok(before) => before,
        Err(what) => {
            tally.note(Err(format!("without the names: {what}")));
            return tally;
        }
    };
    let is_long = usize::from(budget.deadline.is_some());
    for (done, at) in (0..).zip(budget.order(KINDS.len() as u64).iter()) {
        if !budget.allows(done) {
            break;
        }
        let (kind, mut random) = (KINDS[at as usize], budget.random(at));
        let names = if kind.is_foreign() { FOREIGN[is_long] } else { OWN[is_long] };
        let mut with = |names| work(kind.files(names, &mut random));
        let measured = with(names / 4).and_then(|fewer| Ok((fewer, with(names)?)));
        let (fewer, more) = match measured {
            Ok(measured) => measured,
            Err(what) => {
                tally.note(Err(format!("{names} of {kind:?}: {what}")));
                continue;
            }
        };
        for ((before, fewer), more) in before.iter().zip(&fewer).zip(&more) {
            let outcome = more.is_bounded_by(before, kind, names).and_then(|()| more.has_grown_from(fewer));
            tally.note(outcome.map_err(|what| format!("{names} of {kind:?}: {}: {what}", more.operation)));
        }
    }
    tally
}
