//! How much memory a call asks for, thread by thread, and a look at it each time that it does.
//!
//! A test program that asks for it declares the allocator:
//!
//! ```text
//! #[global_allocator]
//! static ALLOCATOR: NotingAllocator = NotingAllocator;
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};

/// The system's allocator, noting the largest block that each thread asked for, how many blocks, their bytes in all,
/// and how many bytes it held at most.
#[derive(Debug)]
pub struct NotingAllocator;

type Watcher = Box<dyn FnMut(usize)>;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    static SUM: Cell<usize> = const { Cell::new(0) };
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
    static BLOCKS: Cell<u64> = const { Cell::new(0) };
    /// What the thread has asked for and not given back. What it gives back for another thread makes it less.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static HELD_MAX: Cell<isize> = const { Cell::new(0) };
}

fn note(bytes: usize) {
    // A thread that ends frees its notes before its last blocks.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(bytes)));
    let _ = SUM.try_with(|sum| sum.set(sum.get().wrapping_add(bytes)));
    let _ = WATCHER.try_with(|place| {
        // What the watcher itself asks for is not watched.
        let Some(mut watcher) = place.try_borrow_mut().ok().and_then(|mut watcher| watcher.take()) else { return };
        watcher(bytes);
        place.replace(Some(watcher));
    });
    let _ = BLOCKS.try_with(|blocks| blocks.set(blocks.get() + 1));
}

/// Notes that a block has become longer by so many bytes, from nothing or to nothing.
fn hold(more: usize, less: usize) {
    let _ = HELD.try_with(|held| {
        held.set(held.get().wrapping_add_unsigned(more).wrapping_sub_unsigned(less));
        let _ = HELD_MAX.try_with(|max| max.set(max.get().max(held.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged; noting allocates nothing.
unsafe impl GlobalAlloc for NotingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        hold(layout.size(), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        hold(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        hold(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        note(bytes);
        hold(bytes, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, bytes) }
    }
}

/// Runs `call`; returns its result and the largest block that it asked for.
pub fn largest_block<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = LARGEST.replace(0);
    drop(std::hint::black_box(Box::new(0_u64)));
    assert!(LARGEST.replace(0) > 0, "this program does not declare the NotingAllocator");
    let result = call();
    let largest = LARGEST.get();
    LARGEST.set(before.max(largest));
    (result, largest)
}

/// Runs `call`; returns its result and how many bytes it asked for in all.
pub fn bytes_asked_for<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = SUM.get();
    let result = call();
    (result, SUM.get().wrapping_sub(before))
}

/// Runs `call`; returns its result and how many bytes this thread held at most, beside what it held before.
pub fn bytes_held<T>(call: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.get();
    let max_before = HELD_MAX.replace(before);
    let result = call();
    let max = HELD_MAX.get();
    HELD_MAX.set(max_before.max(max));
    (result, usize::try_from(max.wrapping_sub(before)).unwrap_or_default())
}

/// Runs `call`. Each time that it asks for memory, `watcher` gets the length first. The watcher must not panic, and
/// the lock that it waits for must not be one that `call` may hold.
pub fn watched<T>(watcher: impl FnMut(usize) + 'static, call: impl FnOnce() -> T) -> T {
    /// Takes the watcher away, also if the call panics.
    struct Unwatched;
    impl Drop for Unwatched {
        fn drop(&mut self) {
            WATCHER.take();
        }
    }
    let watcher: Watcher = Box::new(watcher);
    let _unwatched = Unwatched;
    WATCHER.set(Some(watcher));
    call()
}

/// Runs `call`; returns its result and how many blocks it asked for: a measure of its work that no other work
/// on the machine changes.
pub fn blocks<T>(call: impl FnOnce() -> T) -> (T, u64) {
    let before = BLOCKS.get();
    drop(std::hint::black_box(Box::new(0_u64)));
    assert!(BLOCKS.get() > before, "this program does not declare the NotingAllocator");
    let before = BLOCKS.get();
    let result = call();
    (result, BLOCKS.get() - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: NotingAllocator = NotingAllocator;

    #[test]
    fn a_large_block_is_noted() {
        let (block, largest) = largest_block(|| vec![0_u8; 3 << 20]);
        assert_eq!((block.len(), largest), (3 << 20, 3 << 20));
        assert!(largest_block(|| vec![0_u8; 10]).1 < 1_000);
        assert_eq!(bytes_asked_for(|| (vec![0_u8; 10], vec![0_u8; 1_000])).1, 1_010);
    }

    #[test]
    fn what_is_given_back_is_not_held() {
        let ((), held) = bytes_held(|| (0..10).for_each(|_| drop(vec![0_u8; 1_000])));
        assert_eq!(held, 1_000);
        let (grown, held) = bytes_held(|| {
            let mut grown = vec![0_u8; 1_000];
            grown.reserve_exact(2_000);
            grown
        });
        assert_eq!((grown.capacity(), held), (3_000, 3_000));
        assert_eq!(bytes_held(|| drop(grown)).1, 0);
    }

    #[test]
    fn every_block_is_watched() {
        let (tell, told) = std::sync::mpsc::channel();
        watched(
            move |bytes| {
                tell.send(bytes).expect("the test receives");
            },
            || (vec![0_u8; 77], vec![0_u8; 78]),
        );
        drop(vec![0_u8; 79]);
        assert_eq!(told.iter().collect::<Vec<_>>(), [77, 78]);
    }

    #[test]
    fn blocks_are_counted() {
        assert_eq!(blocks(|| (0..7).map(Box::new).collect::<Vec<_>>()).1, 8);
    }
}
