//! The interfaces of `wasi:keyvalue` over a store that outlives the instance.

mod durable;
mod memory;

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

pub use durable::DurableValues;
pub use memory::MemoryValues;

/// The interfaces, from the host's side.
#[allow(missing_docs, clippy::pedantic, unused_qualifications, unreachable_pub, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package alluvium:runner;
            world keyvalue {
                import wasi:keyvalue/store@0.2.0-draft;
                import wasi:keyvalue/atomics@0.2.0-draft;
                import wasi:keyvalue/batch@0.2.0-draft;
            }
        ",
        path: "../../wasm/examples/keyvalue/wit",
        imports: { default: trappable },
        with: { "wasi:keyvalue/store.bucket": super::Bucket },
    });
}

use bindings::wasi::keyvalue::{atomics, batch, store};

/// How many keys a page has. It is small, so that tests see several pages.
const PAGE_KEYS: usize = 100;

/// Why a store does not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The instance is gone: the call never returns to it.
    Dies,
    /// The store answers with an error.
    Answers(String),
}

/// A store of values by key. Each call is atomic.
pub trait Values: Send + Sync {
    /// Returns a value.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Trouble>;
    /// Sets a value.
    fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Trouble>;
    /// Deletes a value.
    fn delete(&self, key: &str) -> Result<(), Trouble>;
    /// Returns all keys, in order.
    fn keys(&self) -> Result<Vec<String>, Trouble>;
    /// Adds to a number, which is in decimal, and returns the sum.
    fn increment(&self, key: &str, delta: u64) -> Result<u64, Trouble>;
}

/// An open bucket.
pub struct Bucket(Arc<dyn Values>);

/// What the calls need of a store's data.
pub struct View<'a> {
    /// Where the resources are.
    pub table: &'a mut ResourceTable,
    /// The only bucket, which is named `bucket`.
    pub values: &'a Arc<dyn Values>,
}

struct HasView;

impl HasData for HasView {
    type Data<'a> = View<'a>;
}

/// Adds the interfaces to a linker.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, view: fn(&mut T) -> View<'_>) -> Result<()> {
    store::add_to_linker::<_, HasView>(linker, view)?;
    atomics::add_to_linker::<_, HasView>(linker, view)?;
    batch::add_to_linker::<_, HasView>(linker, view)
}

/// Answers the component, or ends it.
fn answer<T>(result: Result<T, Trouble>) -> Result<Result<T, store::Error>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Trouble::Answers(why)) => Ok(Err(store::Error::Other(why))),
        Err(Trouble::Dies) => Err(wasmtime::format_err!("the instance dies here")),
    }
}

impl View<'_> {
    fn of(&self, bucket: &Resource<Bucket>) -> Result<Arc<dyn Values>> {
        Ok(Arc::clone(&self.table.get(bucket)?.0))
    }
}

impl store::Host for View<'_> {
    fn open(&mut self, identifier: String) -> Result<Result<Resource<Bucket>, store::Error>> {
        match &*identifier {
            "bucket" => Ok(Ok(self.table.push(Bucket(Arc::clone(self.values)))?)),
            "secret" => Ok(Err(store::Error::AccessDenied)),
            _ => Ok(Err(store::Error::NoSuchStore)),
        }
    }
}

impl store::HostBucket for View<'_> {
    fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Result<Result<(), store::Error>> {
        answer(self.of(&bucket)?.set(&key, value))
    }

    fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> Result<Result<store::KeyResponse, store::Error>> {
        let page = self.of(&bucket)?.keys().map(|keys| {
            let start = usize::try_from(cursor.unwrap_or(0)).unwrap_or(usize::MAX).min(keys.len());
            let end = keys.len().min(start + PAGE_KEYS);
            let cursor = (end < keys.len()).then_some(end as u64);
            store::KeyResponse { keys: keys[start..end].to_vec(), cursor }
        });
        answer(page)
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for View<'_> {
    fn increment(&mut self, bucket: Resource<Bucket>, key: String, delta: u64) -> Result<Result<u64, store::Error>> {
        answer(self.of(&bucket)?.increment(&key, delta))
    }
}

/// The value of each key, with the key, or none.
type Pairs = Vec<Option<(String, Vec<u8>)>>;

impl batch::Host for View<'_> {
    fn get_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Result<Result<Pairs, store::Error>> {
        let values = self.of(&bucket)?;
        let pair = |key: String| Ok(values.get(&key)?.map(|value| (key, value)));
        answer(keys.into_iter().map(pair).collect())
    }

    fn set_many(
        &mut self,
        bucket: Resource<Bucket>,
        pairs: Vec<(String, Vec<u8>)>,
    ) -> Result<Result<(), store::Error>> {
        let values = self.of(&bucket)?;
        answer(pairs.into_iter().try_for_each(|(key, value)| values.set(&key, value)))
    }

    fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Result<Result<(), store::Error>> {
        let values = self.of(&bucket)?;
        answer(keys.iter().try_for_each(|key| values.delete(key)))
    }
}
