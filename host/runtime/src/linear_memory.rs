//! The engine's linear memory, in huge pages where the state is large.
//!
//! wasmtime maps linear memory in small pages, and a component has no way to ask for others. A state
//! of a million keys then costs tens of thousands of page faults to recover, and a walk through the
//! page tables for each record that it looks up. Here the same address space is reserved, with the same
//! guards, and the kernel is told that it may use huge pages beyond the first few megabytes.

#![allow(unsafe_code, reason = "memory is mapped by hand; the argument stands at each unsafe block")]

use std::ffi::c_void;
use std::io;

use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

const HUGE_PAGE_BYTES: usize = 2 << 20;

/// The start of each memory stays in small pages: of a thousand small states, each must take no more
/// than it fills.
const SMALL_BYTES: usize = 8 << 20;

/// Makes linear memories that may lie in huge pages.
pub(crate) struct HugePages;

// SAFETY: `new_memory` keeps the contract of the trait. The memory is zeroed, since it is a fresh
// anonymous mapping. The base never moves: all of the reservation is mapped at once, without access.
// Access is granted from the base to exactly the size that wasmtime was told, rounded up to whole pages,
// and nothing beyond it is ever accessible: the guard is part of the same mapping and never opened.
unsafe impl MemoryCreator for HugePages {
    fn new_memory(
        &self,
        _ty: MemoryType,
        minimum: usize,
        _maximum: Option<usize>,
        reserved_bytes: Option<usize>,
        guard_bytes: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let capacity = reserved_bytes.unwrap_or(0).max(minimum);
        let memory = Reservation::new(capacity, guard_bytes).and_then(|mut memory| {
            memory.open_to(minimum)?;
            Ok(memory)
        });
        match memory {
            Ok(memory) => Ok(Box::new(memory)),
            Err(error) => Err(format!("{capacity} bytes of address space for a linear memory: {error}")),
        }
    }
}

/// Address space of one linear memory: accessible up to `size`, reserved up to `capacity`, and a guard.
struct Reservation {
    mapping: *mut c_void,
    mapped_bytes: usize,
    /// The first byte of the linear memory, where a huge page may start.
    base: *mut u8,
    size: usize,
    capacity: usize,
}

// SAFETY: the mapping is owned by this value alone, and nothing else unmaps it. The pointer is only
// handed to wasmtime, which keeps to its own rules about who may touch the memory and when.
unsafe impl Send for Reservation {}
// SAFETY: as above; through a shared reference nothing here can be changed.
unsafe impl Sync for Reservation {}

impl Reservation {
    fn new(capacity: usize, guard_bytes: usize) -> io::Result<Self> {
        let too_much = || io::Error::from(io::ErrorKind::OutOfMemory);
        let bytes = capacity.checked_add(guard_bytes).and_then(|bytes| bytes.checked_add(HUGE_PAGE_BYTES));
        let mapped_bytes = bytes.and_then(|bytes| bytes.checked_next_multiple_of(page_bytes())).ok_or_else(too_much)?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice overlaps no other memory.
        let mapping = unsafe { mmap_anonymous(std::ptr::null_mut(), mapped_bytes, ProtFlags::empty(), flags) }?;
        let ahead = mapping.addr().next_multiple_of(HUGE_PAGE_BYTES) - mapping.addr();
        let base = mapping.cast::<u8>().wrapping_add(ahead);
        let memory = Self { mapping, mapped_bytes, base, size: 0, capacity };
        if let Some(bytes) = capacity.checked_sub(SMALL_BYTES) {
            // SAFETY: `SMALL_BYTES..capacity` is within the mapping just made. The advice changes what
            // the kernel backs the memory with, never what it holds. Refused, small pages serve as well.
            let _ = unsafe { madvise(base.wrapping_add(SMALL_BYTES).cast(), bytes, Advice::LinuxHugepage) };
        }
        Ok(memory)
    }

    /// Makes the memory accessible up to `size`, and no further.
    fn open_to(&mut self, size: usize) -> io::Result<()> {
        if size > self.capacity {
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, "more than was reserved"));
        }
        let opened = self.size.next_multiple_of(page_bytes());
        let wanted = size.next_multiple_of(page_bytes());
        if wanted > opened {
            let access = MprotectFlags::READ | MprotectFlags::WRITE;
            // SAFETY: the range is within the reservation and in front of the guard, whole pages, and was
            // not accessible before, so that no reference into it exists.
            unsafe { mprotect(self.base.wrapping_add(opened).cast(), wanted - opened, access) }?;
        }
        self.size = size;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, as long as it was made, and wasmtime drops a memory
        // only when no code can reach it any more.
        let unmapped = unsafe { munmap(self.mapping, self.mapped_bytes) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can be unmapped");
    }
}

// SAFETY: `as_ptr` never changes, `byte_size` bytes behind it are accessible and `byte_capacity` reserved,
// and what lies between is not accessible until `grow_to` says so.
unsafe impl LinearMemory for Reservation {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        Ok(self.open_to(new_size)?)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.base
    }
}

fn page_bytes() -> usize {
    rustix::param::page_size()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the kernel lets this process read a byte, asked without touching it.
    fn is_accessible(memory: &Reservation, at: usize) -> bool {
        let address = memory.base.addr() + at;
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().any(|line| {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let edge = |text| usize::from_str_radix(text, 16).unwrap();
            (edge(from)..edge(to)).contains(&address) && rest.starts_with("rw")
        })
    }

    #[test]
    fn accessible_to_the_byte_page_and_no_further() {
        let mut memory = Reservation::new(64 << 20, 1 << 20).unwrap();
        assert_eq!(memory.base.addr() % HUGE_PAGE_BYTES, 0);
        for size in [1 << 16, 12 << 20, (12 << 20) + (1 << 16), 64 << 20] {
            memory.grow_to(size).unwrap();
            assert_eq!((memory.byte_size(), memory.byte_capacity()), (size, 64 << 20));
            assert!(is_accessible(&memory, 0) && is_accessible(&memory, size - 1), "{size}");
            assert!(!is_accessible(&memory, size), "{size}");
        }
        assert!(memory.grow_to((64 << 20) + 1).is_err());
        assert_eq!(memory.byte_size(), 64 << 20);
    }

    #[test]
    fn what_cannot_be_reserved_is_an_error() {
        assert!(Reservation::new(usize::MAX - (1 << 20), 1 << 20).is_err());
        assert!(Reservation::new(1 << 60, 0).is_err());
    }
}
