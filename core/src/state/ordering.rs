//! Ranges of keys, and what expires first, of a state that is kept in order.

use crate::error::IncrementalCheckpointError as Error;
use crate::model::work::count_keys_read;
use crate::state::apply::WARM_BLOCK;
use crate::state::arena::Arena;
use crate::state::keyed_state::State;
use crate::state::order::Orders;
use crate::state::walk::Page;

/// A range of keys, and how it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'a> {
    /// The first key of the range.
    pub(crate) from: &'a [u8],
    /// The key at which the range ends, which is not in it. Without one, it ends with the last key.
    pub(crate) to: Option<&'a [u8]>,
    /// Whether it is read from its end to its beginning.
    pub(crate) reverse: bool,
}

impl State {
    /// Keeps the records in order from now on: by key, by expiry time, or both. It sorts what is there.
    pub(crate) fn keep_in_order(&mut self, by_key: bool, by_expiry: bool) {
        self.orders =
            (by_key || by_expiry).then(|| Box::new(Orders::new((by_key, by_expiry), &self.arena, || self.addresses())));
    }

    /// Changes the orders. It stays out of the way of a state that has none.
    #[cold]
    #[inline(never)]
    pub(super) fn in_orders(&mut self, change: impl FnOnce(&mut Orders, &Arena)) {
        if let Some(orders) = &mut self.orders {
            change(orders, &self.arena);
        }
    }

    /// Returns the entries of a range, at most `limit` of them, and after the first one at most `bytes` of keys and
    /// values. The state must be kept in order by key.
    ///
    /// `see` returns what a reader sees of a stored value, or `None` if that is nothing.
    pub(crate) fn scan<'a>(
        &'a self,
        scan: Scan<'_>,
        limit: usize,
        bytes: usize,
        see: impl Fn(&'a [u8]) -> Option<&'a [u8]>,
    ) -> Result<Page<'a>, Error> {
        let orders = self.orders.as_ref();
        let Some(mut found) = orders.and_then(|orders| orders.range(&self.arena, scan.from, scan.to, scan.reverse))
        else {
            return Ok(Page::new());
        };
        let mut steps = self.steps();
        let mut page = Page::new();
        let mut held = 0;
        let mut block = Vec::with_capacity(WARM_BLOCK);
        loop {
            block.clear();
            block.extend(found.by_ref().take(WARM_BLOCK.min(limit - page.len())));
            if block.is_empty() {
                return Ok(page);
            }
            steps.take(block.len())?;
            count_keys_read(block.len());
            // The records are anywhere in memory. The processor waits for all of them at the same time.
            let touched = block.iter().fold(0, |sum: u8, address| sum.wrapping_add(self.arena.touch(*address)));
            std::hint::black_box(touched);
            for address in &block {
                let (key, stored) = self.arena.get(*address);
                let Some(value) = see(stored) else { continue };
                held += key.len() + value.len();
                if held > bytes && !page.is_empty() {
                    return Ok(page);
                }
                page.push((key, value));
            }
        }
    }

    /// Returns when the entry expires that is first to, and its key. The state must be kept in order by expiry time.
    #[inline]
    pub(crate) fn first_to_expire(&self) -> Option<(i64, &[u8])> {
        let (expiry_ms, address) = self.orders.as_ref()?.first_to_expire()?;
        Some((expiry_ms, self.arena.key(address)))
    }

    /// Returns when the entry expires that is last to, its key and its stored value. The state must be kept in order
    /// by expiry time.
    #[inline]
    pub(crate) fn last_to_expire(&self) -> Option<(i64, &[u8], &[u8])> {
        let (expiry_ms, address) = self.orders.as_ref()?.last_to_expire()?;
        let (key, value) = self.arena.get(address);
        Some((expiry_ms, key, value))
    }
}
