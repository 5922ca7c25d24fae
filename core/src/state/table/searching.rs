//! Searching a table.

use crate::model::work::count_probes;
use crate::state::arena::{Address, Arena};
use crate::state::short_keys::same;
use crate::state::sought::{Sought, tag};
use crate::state::table::slot::tag_of;
use crate::state::table::{Found, Table};

impl Table {
    /// Returns what `read` makes of a key's record, or `None` if the key is not there. It does what
    /// [`find`](Self::find) does with fewer instructions, so that more searches wait for memory at once.
    #[inline]
    pub(in crate::state) fn read<'a, T>(
        &self,
        arena: &'a Arena,
        hash: u64,
        key: &[u8],
        read: impl Fn(&'a Arena, Address) -> T,
    ) -> Option<T> {
        let tag = tag(hash);
        let home = self.home(tag);
        let mut at = home;
        while let Some(&slot) = self.slots.get(at) {
            if slot == 0 || tag_of(slot) > tag {
                count_probes(at - home + 1);
                return None;
            }
            if tag_of(slot) == tag && same(arena.key(slot as u32), key) {
                count_probes(at - home + 1);
                return Some(read(arena, slot as u32));
            }
            at += 1;
        }
        self.read_in_order(arena, hash, key, read)
    }

    #[cold]
    #[inline(never)]
    fn read_in_order<'a, T>(
        &self,
        arena: &'a Arena,
        hash: u64,
        key: &[u8],
        read: impl Fn(&'a Arena, Address) -> T,
    ) -> Option<T> {
        let ordered = self.ordered.as_ref()?;
        let at = ordered.find(arena, hash, key).ok()?;
        Some(read(arena, ordered.slot(at) as u32))
    }

    /// Searches for a key.
    #[allow(clippy::inline_always, reason = "as a call, it makes reading a key a third slower")]
    #[inline(always)]
    pub(in crate::state) fn find(&self, sought: Sought<'_>) -> Found {
        let tag = tag(sought.hash);
        let home = self.home(tag);
        let mut at = home;
        // An empty slot is 0 and a full one is not. Both must be tested: comparing the whole slot with
        // `tag << 32` could not tell an empty slot from a full slot with a smaller tag.
        while let Some(&slot) = self.slots.get(at) {
            if slot == 0 || tag_of(slot) > tag {
                count_probes(at - home + 1);
                return Found::Before(at);
            }
            if tag_of(slot) == tag && sought.is_at(slot as u32) {
                count_probes(at - home + 1);
                return Found::At(at);
            }
            at += 1;
        }
        match &self.ordered {
            Some(ordered) => ordered.find(sought.arena, sought.hash, sought.key).map_or_else(Found::Before, Found::At),
            None => Found::Before(at),
        }
    }

    /// Returns the address in the last slot with these hash bits, or 0 if there is none. It is most often the
    /// address of the wanted key, and it is found without touching a record.
    #[inline]
    pub(in crate::state) fn guess(&self, tag: u32) -> Address {
        let from = self.slots.get(self.home(tag)..).unwrap_or_default();
        let candidates = from.iter().take_while(|slot| **slot != 0 && tag_of(**slot) <= tag);
        candidates.last().filter(|slot| tag_of(**slot) == tag).map_or(0, |slot| *slot as u32)
    }
}
