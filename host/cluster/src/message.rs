//! What workers send each other.

use std::collections::BTreeMap;

use alluvium_connectors::source::Position;
use alluvium_core::job::JobPart;
use serde::{Deserialize, Serialize};

use crate::lag::Lag;
use crate::left_out::BadRecord;

/// A message on its way to one worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Envelope {
    /// The worker.
    pub(crate) to: u32,
    pub(crate) message: Message,
}

/// What a worker that reads partitions sends to those that own the keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Message {
    /// Records of one partition.
    Piece(Piece),
    /// Records that are left out.
    LeftOut(Vec<BadRecord>),
    /// How far the partitions of one worker are at the end of an epoch.
    End(EpochEnd),
}

/// Records of one partition for one worker, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The input.
    pub(crate) input: u32,
    /// The partition, by its place in the list of the input's partitions.
    pub(crate) partition: u32,
    /// The columns, if records have fields.
    pub(crate) header: Option<Vec<String>>,
    /// The number of each record among those that the epoch has of the partition.
    pub(crate) numbers: Vec<u32>,
    /// The number of fields of each record.
    pub(crate) width: u32,
    /// The length of each field.
    pub(crate) lens: Vec<u32>,
    /// All fields.
    pub(crate) bytes: Vec<u8>,
}

/// Where records stand, as errors say it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) input: u32,
    pub(crate) partition: u32,
    /// As [`Piece::numbers`].
    pub(crate) numbers: Vec<u32>,
}

/// A partition at the end of an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartitionEnd {
    pub(crate) input: u32,
    pub(crate) partition: u32,
    /// Where reading continues.
    #[serde(with = "as_json")]
    pub(crate) position: Position,
    /// The ends of the files that it left for the next one in the epoch.
    #[serde(with = "as_json")]
    pub(crate) left: Vec<Position>,
    /// Whether its records have event times.
    pub(crate) is_timed: bool,
    /// Whether its input has an end.
    pub(crate) is_bounded: bool,
    /// The largest event time so far, in milliseconds.
    pub(crate) time_ms: Option<i64>,
    /// Whether no more records will come.
    pub(crate) has_ended: bool,
    /// What is there and not read.
    pub(crate) lag: Lag,
}

/// How far one worker is at the end of an epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EpochEnd {
    pub(crate) partitions: Vec<PartitionEnd>,
    /// What the clock of the machine showed, from one worker only.
    pub(crate) now_ms: Option<i64>,
    /// From the same worker: whether the generation ends with this epoch, because there are new partitions.
    pub(crate) has_grown: bool,
}

/// What a record that an operator emitted comes after. Records of an output are in this order, so that they do not
/// depend on the number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Order {
    /// A record: its input, partition and number, and how many were emitted for it before.
    Record(u32, u32, u32, u32),
    /// Timers of one time and namespace. What they emit is in the order of its bytes.
    Timer(i64, u32),
    /// The end of all inputs. What comes of it is in the order of its bytes.
    Finish,
}

/// A record that an operator emitted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Emitted {
    pub(crate) output: u32,
    pub(crate) order: Order,
    pub(crate) bytes: Vec<u8>,
}

/// The position in the stream at the end of an epoch, which all workers work out alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EpochPosition {
    /// Where the partitions continue, by input and place.
    #[serde(with = "as_json")]
    pub(crate) positions: Vec<((u32, u32), Position)>,
    /// The ends of the files that were left for the next ones in the epoch, by input.
    #[serde(with = "as_json")]
    pub(crate) left: Vec<(u32, Position)>,
    /// The largest event times, by input and place.
    pub(crate) times: BTreeMap<(u32, u32), i64>,
    pub(crate) watermark: Option<i64>,
    /// What is there and not read, by input and place.
    pub(crate) lags: BTreeMap<(u32, u32), Lag>,
    /// Whether all inputs have ended, and the operators were told.
    pub(crate) is_finished: bool,
}

/// What a worker hands to the commit of an epoch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PartDone {
    pub(crate) worker: u32,
    pub(crate) part: JobPart,
    pub(crate) emitted: Vec<Emitted>,
    /// The records that it left out.
    pub(crate) left_out: Vec<BadRecord>,
    /// From the worker that commits.
    pub(crate) position: Option<EpochPosition>,
    /// With its first epoch: the digest of the state that it opened.
    pub(crate) opened: Option<u64>,
    /// How many records it processed in the epoch.
    pub(crate) records: u64,
    /// How long freezing the part held up the worker, in microseconds.
    pub(crate) stall_us: u64,
}

/// Values whose form says what they are, which the network's own encoding does not know: as JSON inside of it.
mod as_json {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(value).map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        serde_json::from_str(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
