//! Whether a store does what the interface says. It is tried out whenever a directory without files is opened.

use super::store::Store;
use super::wit::Error;

fn refused(why: &str) -> Error {
    Error::Unsupported(format!("this store cannot hold a directory: {why}"))
}

/// Tries the store out. Of what it sets, only the number of probes stays.
pub(super) fn probe(store: &Store) -> Result<(), Error> {
    // Another one may do the same meanwhile, so each has keys of its own.
    let number = store.increment(&store.place.probe("number"), 1)?;
    let (value, counter) =
        (store.place.probe(&format!("value-{number}")), store.place.probe(&format!("count-{number}")));
    let keys = [value.clone(), counter.clone()];
    store.set(&value, &[0, 255, 1])?;
    if store.get_many(&keys)? != [Some(vec![0, 255, 1]), None] {
        return Err(refused("it does not return what was set"));
    }
    if !store.list_keys()?.contains(&value) {
        return Err(refused("it does not list what was set"));
    }
    if [store.increment(&counter, 1)?, store.increment(&counter, 1)?, store.increment(&counter, 0)?] != [1, 2, 2] {
        return Err(refused("it does not count"));
    }
    store.delete_many(&keys)?;
    if store.list_keys()?.iter().any(|key| keys.contains(key)) {
        return Err(refused("it lists what was deleted"));
    }
    Ok(())
}
