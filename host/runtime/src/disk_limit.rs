//! Counts what an engine writes, before it reaches the disk.

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::filesystem::{WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, Host as _, HostDescriptor, OpenFlags, PathFlags,
};

use crate::store_data::StoreData;

/// Holds what an engine writes to the budget of its store, before it reaches the disk. The engine is
/// told what a full disk tells it, and leaves nothing behind; the host knows better.
///
/// It creates files with `open-at` and fills them with `write`, and nothing else.
pub(crate) fn count_writes(linker: &mut Linker<StoreData>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut files = linker.instance("wasi:filesystem/types@0.2.12")?;
    files.func_wrap(
        "[method]descriptor.write",
        |mut store, (file, bytes, offset): (Resource<Descriptor>, Vec<u8>, u64)| {
            let guest: &mut StoreData = store.data_mut();
            if !guest.disk.take_bytes(bytes.len() as u64) {
                return Ok((Err(ErrorCode::Quota),));
            }
            let mut view = guest.filesystem();
            let written = view.write(file, bytes, offset);
            answered(&mut view, written)
        },
    )?;
    files.func_wrap(
        "[method]descriptor.open-at",
        |mut store,
         (directory, follow, path, how, flags): (
            Resource<Descriptor>,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            let guest: &mut StoreData = store.data_mut();
            let creates = how.contains(OpenFlags::CREATE);
            if creates && !guest.disk.has_file() {
                return Ok((Err(ErrorCode::Quota),));
            }
            let mut view = guest.filesystem();
            let opened = view.open_at(directory, follow, path, how, flags);
            let opened = answered(&mut view, opened)?;
            if creates && opened.0.is_ok() {
                guest.disk.take_file();
            }
            Ok(opened)
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

type Answered<T> = (Result<T, ErrorCode>,);

fn answered<T>(view: &mut WasiFilesystemCtxView<'_>, result: FsResult<T>) -> wasmtime::Result<Answered<T>> {
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(view.convert_error_code(error)?),)),
    }
}
