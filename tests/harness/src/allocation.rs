//! How much memory a call asks for at once, thread by thread.
//!
//! A test program that asks for it declares the allocator:
//!
//! ```text
//! #[global_allocator]
//! static ALLOCATOR: NotingAllocator = NotingAllocator;
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, noting the largest block that each thread asked for.
#[derive(Debug)]
pub struct NotingAllocator;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn note(bytes: usize) {
    // A thread that ends frees its notes before its last blocks.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(bytes)));
}

// SAFETY: every call goes to the system's allocator unchanged; noting allocates nothing.
unsafe impl GlobalAlloc for NotingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        note(bytes);
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
    }
}
