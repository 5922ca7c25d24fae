//! The memory of a segment. On Linux, large states ask for huge pages. A record is then found without
//! walking the page tables, which would cost as much as the cache miss itself. In WebAssembly, large
//! states grow the linear memory in steps that a host can back with huge pages.

use std::ops::{Deref, DerefMut};

/// Memory that starts zeroed.
#[derive(Debug)]
pub(super) enum Block {
    Heap(Box<[u8]>),
    #[cfg(target_os = "linux")]
    Mapped(memmap2::MmapMut),
}

impl Default for Block {
    fn default() -> Self {
        Self::Heap(Box::default())
    }
}

impl Block {
    /// Returns memory from the allocator.
    pub(super) fn new(bytes: usize) -> Self {
        Self::Heap(vec![0; bytes].into_boxed_slice())
    }

    /// Returns memory in huge pages if the system has them, and other memory if it does not.
    pub(super) fn huge(bytes: usize) -> Self {
        #[cfg(target_os = "linux")]
        if let Ok(map) = memmap2::MmapMut::map_anon(bytes) {
            // If the system refuses huge pages, small pages work as well.
            let _ = map.advise(memmap2::Advice::HugePage);
            return Self::Mapped(map);
        }
        #[cfg(target_family = "wasm")]
        grow_ahead(bytes);
        Self::new(bytes)
    }
}

/// Makes the allocator grow its memory in a large step. The allocator keeps memory that is given back to it
/// and uses it for the next segments. If memory grew by one segment at a time, no huge page would ever fit.
#[cfg(target_family = "wasm")]
fn grow_ahead(bytes: usize) {
    const STEP: usize = 16 << 20;
    let mut step: Vec<u8> = Vec::new();
    // If the host refuses such a step, the allocator grows by only what is needed.
    if bytes < STEP && step.try_reserve_exact(STEP).is_ok() {
        std::hint::black_box(&mut step);
    }
}

impl Deref for Block {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            #[cfg(target_os = "linux")]
            Self::Mapped(bytes) => bytes,
        }
    }
}

impl DerefMut for Block {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Heap(bytes) => bytes,
            #[cfg(target_os = "linux")]
            Self::Mapped(bytes) => bytes,
        }
    }
}
