//! A file system that is recorded beneath the component: every call of `wasi:filesystem` that decides
//! what a power failure leaves, in order, and a process that dies at any one of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alluvium_test_harness::power_failure::{Fail, Recorded, Recorder};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, LinkerInstance, Resource};
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::{WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::sync::filesystem::preopens::Host as _;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, Host as _, HostDescriptor, OpenFlags, PathFlags,
};

use crate::support::{Engine, Wasi, engine_linked};

/// The instances that are watched, under the names that the runtime links them by.
const TYPES: &str = "wasi:filesystem/types@0.2.12";
const PREOPENS: &str = "wasi:filesystem/preopens@0.2.12";

type Store<'a> = StoreContextMut<'a, Wasi>;
type Handle = Resource<Descriptor>;

/// What the calls leave to be known by later ones.
#[derive(Debug, Default)]
struct Notes {
    /// What each handle of the running instance stands for.
    paths: BTreeMap<u32, String>,
    /// Bytes written so far to files that are open.
    written: BTreeMap<String, Vec<u8>>,
}

/// The record, shared with the instances that it watches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    recorder: Arc<Recorder>,
    notes: Arc<Mutex<Notes>>,
}

impl Record {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call that succeeded.
    pub(crate) fn calls(&self) -> Vec<Recorded> {
        self.recorder.calls()
    }

    /// How many succeeded so far.
    pub(crate) fn count(&self) -> usize {
        self.recorder.count()
    }

    /// How many were asked for so far.
    pub(crate) fn asked(&self) -> usize {
        self.recorder.asked()
    }

    /// Kills the process in the `call`th call.
    pub(crate) fn kill_at(&self, call: usize) {
        self.recorder.fail(Fail::kill(call));
    }

    /// Starts the process again.
    pub(crate) fn revive(&self) {
        self.recorder.revive();
    }

    /// Makes a call unless the process is dead, and records it once it has succeeded.
    fn make<T>(
        &self,
        view: &mut WasiFilesystemCtxView<'_>,
        record: impl FnOnce(&mut Notes, &T) -> Recorded,
        call: impl FnOnce(&mut WasiFilesystemCtxView<'_>) -> Result<T, FsError>,
    ) -> wasmtime::Result<(Result<T, ErrorCode>,)> {
        if self.recorder.ask(None).is_err() {
            return Ok((Err(ErrorCode::Io),));
        }
        match call(view) {
            Ok(value) => {
                self.recorder.record(record(&mut self.notes(), &value));
                Ok((Ok(value),))
            }
            Err(error) => Ok((Err(view.convert_error_code(error)?),)),
        }
    }

    /// The path of a name in the directory behind a handle.
    fn path(&self, directory: u32, name: &str) -> String {
        let above = self.notes().paths.get(&directory).cloned().expect("a handle that was handed out");
        match (above.as_str(), name) {
            (_, ".") => above,
            ("", _) => name.to_owned(),
            _ => format!("{above}/{name}"),
        }
    }

    /// Takes the place of the functions that decide what a power failure leaves.
    fn link(&self, linker: &mut Linker<Wasi>) -> wasmtime::Result<()> {
        linker.allow_shadowing(true);
        let record = self.clone();
        linker.instance(PREOPENS)?.func_wrap(
            "get-directories",
            move |mut store: StoreContextMut<'_, Wasi>, (): ()| {
                let granted = store.data_mut().filesystem().get_directories()?;
                record.notes().paths.extend(granted.iter().map(|(handle, _)| (handle.rep(), String::new())));
                Ok((granted,))
            },
        )?;
        self.link_bytes(&mut linker.instance(TYPES)?)?;
        self.link_names(&mut linker.instance(TYPES)?)
    }

    /// Opening, writing, syncing.
    fn link_bytes(&self, types: &mut LinkerInstance<'_, Wasi>) -> wasmtime::Result<()> {
        let record = self.clone();
        types.func_wrap(
            "[method]descriptor.open-at",
            move |mut store: Store<'_>,
                  (handle, follow, name, how, flags): (Handle, PathFlags, String, OpenFlags, DescriptorFlags)| {
                let path = record.path(handle.rep(), &name);
                let is_new = how.contains(OpenFlags::CREATE);
                let noted = |notes: &mut Notes, opened: &Handle| {
                    notes.paths.insert(opened.rep(), path.clone());
                    if is_new {
                        notes.written.insert(path.clone(), Vec::new());
                        Recorded::Create(path)
                    } else {
                        Recorded::Look
                    }
                };
                record.make(&mut store.data_mut().filesystem(), noted, |view| {
                    view.open_at(handle, follow, name, how, flags)
                })
            },
        )?;
        let record = self.clone();
        types.func_wrap(
            "[method]descriptor.write",
            move |mut store: Store<'_>, (handle, bytes, offset): (Handle, Vec<u8>, u64)| {
                let path = record.path(handle.rep(), ".");
                let copy = bytes.clone();
                let noted = |notes: &mut Notes, written: &u64| {
                    let content = notes.written.entry(path.clone()).or_default();
                    let (start, length) =
                        (usize::try_from(offset).expect("small"), usize::try_from(*written).expect("small"));
                    content.resize(content.len().max(start + length), 0);
                    content[start..start + length].copy_from_slice(&copy[..length]);
                    Recorded::Write(path, content.clone())
                };
                record.make(&mut store.data_mut().filesystem(), noted, |view| view.write(handle, bytes, offset))
            },
        )?;
        let record = self.clone();
        types.func_wrap("[method]descriptor.sync-data", move |mut store: Store<'_>, (handle,): (Handle,)| {
            let path = record.path(handle.rep(), ".");
            let noted = |_: &mut Notes, (): &()| Recorded::Sync(path);
            record.make(&mut store.data_mut().filesystem(), noted, |view| view.sync_data(handle))
        })?;
        let record = self.clone();
        types.func_wrap("[method]descriptor.sync", move |mut store: Store<'_>, (handle,): (Handle,)| {
            let path = record.path(handle.rep(), ".");
            let noted = |_: &mut Notes, (): &()| Recorded::SyncDirectory(path);
            record.make(&mut store.data_mut().filesystem(), noted, |view| view.sync(handle))
        })
    }

    /// Giving names, and taking them away.
    fn link_names(&self, types: &mut LinkerInstance<'_, Wasi>) -> wasmtime::Result<()> {
        let record = self.clone();
        types.func_wrap(
            "[method]descriptor.create-directory-at",
            move |mut store: Store<'_>, (handle, name): (Handle, String)| {
                let path = record.path(handle.rep(), &name);
                let noted = |_: &mut Notes, (): &()| Recorded::MakeDirectory(path);
                record.make(&mut store.data_mut().filesystem(), noted, |view| view.create_directory_at(handle, name))
            },
        )?;
        let record = self.clone();
        types.func_wrap(
            "[method]descriptor.link-at",
            move |mut store: Store<'_>, (from, follow, old, to, new): (Handle, PathFlags, String, Handle, String)| {
                let (old_path, new_path) = (record.path(from.rep(), &old), record.path(to.rep(), &new));
                let noted = |_: &mut Notes, (): &()| Recorded::Link(old_path, new_path);
                record.make(&mut store.data_mut().filesystem(), noted, |view| view.link_at(from, follow, old, to, new))
            },
        )?;
        let record = self.clone();
        types.func_wrap(
            "[method]descriptor.rename-at",
            move |mut store: Store<'_>, (from, old, to, new): (Handle, String, Handle, String)| {
                let (old_path, new_path) = (record.path(from.rep(), &old), record.path(to.rep(), &new));
                let noted = |_: &mut Notes, (): &()| Recorded::Rename(old_path, new_path);
                record.make(&mut store.data_mut().filesystem(), noted, |view| view.rename_at(from, old, to, new))
            },
        )?;
        let record = self.clone();
        types.func_wrap(
            "[method]descriptor.unlink-file-at",
            move |mut store: Store<'_>, (handle, name): (Handle, String)| {
                let path = record.path(handle.rep(), &name);
                let noted = |_: &mut Notes, (): &()| Recorded::Unlink(path);
                record.make(&mut store.data_mut().filesystem(), noted, |view| view.unlink_file_at(handle, name))
            },
        )?;
        let record = self.clone();
        types.func_wrap(
            "[method]descriptor.remove-directory-at",
            move |mut store: Store<'_>, (handle, name): (Handle, String)| {
                let path = record.path(handle.rep(), &name);
                let noted = |_: &mut Notes, (): &()| Recorded::RemoveDirectory(path);
                record.make(&mut store.data_mut().filesystem(), noted, |view| view.remove_directory_at(handle, name))
            },
        )?;
        Ok(())
    }
}

/// An instance over `directory` of which every call is recorded.
pub(crate) fn engine(directory: &Path, record: &Record) -> Engine {
    engine_linked(&[(directory, "data", FsPerms::ReadWrite)], |linker| record.link(linker).expect("it links"))
}
