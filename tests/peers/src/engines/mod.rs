//! The peers, each under the settings that its own documentation gives for durable commits, and
//! without compression: the values do not compress.

#[cfg(feature = "fjall")]
mod fjall;
#[cfg(feature = "lmdb")]
mod lmdb;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;
#[cfg(feature = "slatedb")]
mod slatedb;
#[cfg(feature = "sqlite")]
mod sqlite;

use alluvium_bench::contender::Kind;

/// Every peer that was built in.
pub(crate) fn all() -> Vec<Kind> {
    vec![
        #[cfg(feature = "rocksdb")]
        rocksdb::CHECKPOINT,
        #[cfg(feature = "rocksdb")]
        rocksdb::BATCH,
        #[cfg(feature = "fjall")]
        fjall::KIND,
        #[cfg(feature = "redb")]
        redb::KIND,
        #[cfg(feature = "sqlite")]
        sqlite::KIND,
        #[cfg(feature = "lmdb")]
        lmdb::KIND,
        #[cfg(feature = "slatedb")]
        slatedb::KIND,
    ]
}
