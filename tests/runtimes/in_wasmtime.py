"""Runs a command component under wasmtime for Python.

in_wasmtime.py COMPONENT.wasm CHECKPOINTS INPUT ARGUMENT…: the two folders are the guest's `checkpoints`
and `input`, and all that it is granted beside its three standard streams.
"""

import sys

from wasmtime import DirPerms, Engine, FilePerms, Store, WasiConfig
from wasmtime.component import Component, Linker

component, checkpoints, flights, *arguments = sys.argv[1:]
engine = Engine()
linker = Linker(engine)
linker.add_wasip2()
store = Store(engine)
wasi = WasiConfig()
wasi.argv = ["driver", *arguments]
wasi.inherit_stdout()
wasi.inherit_stderr()
wasi.preopen_dir(checkpoints, "checkpoints", DirPerms.READ_WRITE, FilePerms.READ_WRITE)
wasi.preopen_dir(flights, "input", DirPerms.READ_ONLY, FilePerms.READ_ONLY)
store.set_wasi(wasi)
instance = linker.instantiate(store, Component.from_file(engine, component))
interface = next(name for name in Component.from_file(engine, component).type.exports(engine) if "wasi:cli/run" in name)
run = instance.get_func(store, instance.get_export_index(store, "run", instance.get_export_index(store, interface)))
run(store)
