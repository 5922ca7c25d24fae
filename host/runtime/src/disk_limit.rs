//! Counts what an engine writes, before it reaches the disk, and syncs and frees its files beside it.

use std::fs::File;
use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, Resource};
use wasmtime_wasi::filesystem::{WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, Host as _, HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};

use crate::store_data::StoreData;
use crate::syncs::What;

/// What of `wasi:filesystem/types` an engine may call. Everything that adds to a directory is counted below.
const ALLOWED: [&str; 17] = [
    "[method]descriptor.create-directory-at",
    "[method]descriptor.get-flags",
    "[method]descriptor.get-type",
    "[method]descriptor.link-at",
    "[method]descriptor.open-at",
    "[method]descriptor.read",
    "[method]descriptor.read-directory",
    "[method]descriptor.remove-directory-at",
    "[method]descriptor.rename-at",
    "[method]descriptor.stat",
    "[method]descriptor.stat-at",
    "[method]descriptor.sync",
    "[method]descriptor.sync-data",
    "[method]descriptor.unlink-file-at",
    "[method]descriptor.write",
    "[method]directory-entry-stream.read-directory-entry",
    "filesystem-error-code",
];

const TYPES: &str = "wasi:filesystem/types@0.2.12";

/// Holds what an engine writes to the budget of its store, before it reaches the disk. The engine is
/// told what a full disk tells it, and leaves nothing behind; the host knows better. It does not wait for the syncs of
/// files, nor for the space of deleted ones, if it has something else to do.
///
/// A function that is not on the list of what is allowed ends the component that calls it.
pub(crate) fn count_writes(linker: &mut Linker<StoreData>, component: &Component) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    close_others(linker, component)?;
    let mut files = linker.instance(TYPES)?;
    files.func_wrap(
        "[method]descriptor.write",
        |mut store, (file, bytes, offset): (Resource<Descriptor>, Vec<u8>, u64)| {
            let guest: &mut StoreData = store.data_mut();
            let mut view = guest.filesystem();
            // A gap in front of what is written counts, too: a file is as long as it says.
            let stat = view.stat(Resource::new_borrow(file.rep()));
            let length = match answered(&mut view, stat)?.0 {
                Ok(stat) => stat.size,
                Err(code) => return Ok((Err(code),)),
            };
            let gap = offset.saturating_sub(length);
            if !guest.disk.take_bytes(gap.saturating_add(bytes.len() as u64)) {
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
            let creates = how.contains(OpenFlags::CREATE);
            creating(store.data_mut(), creates, |view| view.open_at(directory, follow, path, how, flags))
        },
    )?;
    files.func_wrap(
        "[method]descriptor.create-directory-at",
        |mut store, (directory, path): (Resource<Descriptor>, String)| {
            creating(store.data_mut(), true, |view| view.create_directory_at(directory, path))
        },
    )?;
    files.func_wrap(
        "[method]descriptor.link-at",
        |mut store,
         (directory, follow, path, other, to): (
            Resource<Descriptor>,
            PathFlags,
            String,
            Resource<Descriptor>,
            String,
        )| creating(store.data_mut(), true, |view| view.link_at(directory, follow, path, other, to)),
    )?;
    files.func_wrap("[method]descriptor.sync-data", |mut store, (file,): (Resource<Descriptor>,)| {
        let guest: &mut StoreData = store.data_mut();
        match guest.table.get(&file)? {
            Descriptor::File(open) => synced(guest, &Arc::clone(&open.file), What::Bytes),
            Descriptor::Dir(open) => synced(guest, &Arc::clone(&open.dir), What::Names),
        }
    })?;
    files.func_wrap("[method]descriptor.sync", |mut store, (file,): (Resource<Descriptor>,)| {
        let guest: &mut StoreData = store.data_mut();
        if let Descriptor::Dir(open) = guest.table.get(&file)? {
            return synced(guest, &Arc::clone(&open.dir), What::Names);
        }
        let mut view = guest.filesystem();
        let done = view.sync(file);
        answered(&mut view, done)
    })?;
    files.func_wrap(
        "[method]descriptor.unlink-file-at",
        |mut store, (directory, path): (Resource<Descriptor>, String)| {
            let guest: &mut StoreData = store.data_mut();
            let held = match guest.table.get(&directory)? {
                Descriptor::Dir(open) => guest.syncs.hold(&open.dir, &path),
                Descriptor::File(_) => None,
            };
            let mut view = guest.filesystem();
            let done = view.unlink_file_at(directory, path);
            let answer = answered(&mut view, done)?;
            guest.syncs.close(held);
            Ok(answer)
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Makes something durable, or says that the call would block until a thread has done so.
fn synced(guest: &mut StoreData, file: &Arc<File>, what: What) -> wasmtime::Result<Answered<()>> {
    let Some(done) = guest.syncs.sync(file, what) else { return Ok((Err(ErrorCode::WouldBlock),)) };
    answered(&mut guest.filesystem(), done.map_err(FsError::from))
}

/// Ends a component that calls another function of the file system.
fn close_others(linker: &mut Linker<StoreData>, component: &Component) -> wasmtime::Result<()> {
    let compiler = linker.engine().clone();
    for (name, import) in component.component_type().imports(&compiler) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        if !name.starts_with("wasi:filesystem/types@") {
            continue;
        }
        let others = instance
            .exports(&compiler)
            .filter(|(name, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)) && !ALLOWED.contains(name));
        for (function, _) in others {
            let why = format!("it called {function} of the file system, which an engine does not need");
            linker.instance(TYPES)?.func_new(function, move |_, _, _, _| Err(wasmtime::Error::msg(why.clone())))?;
        }
    }
    Ok(())
}

/// Creates a name, if there may be another.
fn creating<T>(
    guest: &mut StoreData,
    creates: bool,
    create: impl FnOnce(&mut WasiFilesystemCtxView<'_>) -> FsResult<T>,
) -> wasmtime::Result<Answered<T>> {
    if creates && !guest.disk.has_file() {
        return Ok((Err(ErrorCode::Quota),));
    }
    let mut view = guest.filesystem();
    let answer = create(&mut view);
    let answer = answered(&mut view, answer)?;
    if creates && answer.0.is_ok() {
        guest.disk.take_file();
    }
    Ok(answer)
}

type Answered<T> = (Result<T, ErrorCode>,);

fn answered<T>(view: &mut WasiFilesystemCtxView<'_>, result: FsResult<T>) -> wasmtime::Result<Answered<T>> {
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(view.convert_error_code(error)?),)),
    }
}
