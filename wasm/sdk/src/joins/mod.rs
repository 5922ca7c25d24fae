//! Joins: of two streams whose records are near in time, and of a stream with tables.

mod interval;
mod table;
mod table_join;

pub use self::interval::IntervalJoin;
pub use self::table::{Table, Tables};
pub use self::table_join::TableJoin;
