//! The memory of a segment. Natively on Linux large states ask for huge pages: a record is then found
//! without walking the page tables, which costs as much as the cache miss itself. In WebAssembly they
//! make the linear memory grow in steps that a host can back with such pages.

use std::ops::{Deref, DerefMut};

/// Zeroed bytes, as many as were asked for.
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
    /// Memory from the allocator.
    pub(super) fn new(bytes: usize) -> Self {
        Self::Heap(vec![0; bytes].into_boxed_slice())
    }

    /// Memory in huge pages, where the system has them to give.
    pub(super) fn huge(bytes: usize) -> Self {
        #[cfg(target_os = "linux")]
        if let Ok(map) = memmap2::MmapMut::map_anon(bytes) {
            // Where it is refused, small pages serve as well.
            let _ = map.advise(memmap2::Advice::HugePage);
            return Self::Mapped(map);
        }
        #[cfg(target_family = "wasm")]
        grow_ahead(bytes);
        Self::new(bytes)
    }
}

/// Has the allocator take its memory in large steps: what it is given and gives back it keeps, and
/// makes the next segments of. Grown a segment at a time, no huge page would ever fit.
#[cfg(target_family = "wasm")]
fn grow_ahead(bytes: usize) {
    const STEP: usize = 16 << 20;
    let mut step: Vec<u8> = Vec::new();
    // A host that will not give as much gives what is needed.
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
