"""Runs a command component under wasmtime for Python.

in_wasmtime.py COMPONENT.wasm CHECKPOINTS INPUT ARGUMENT…: the two folders are the guest's `checkpoints`
and `input`, and all that it is granted beside its three standard streams.
"""

import sys

from wasmtime import Engine, Store, WasiConfig
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
wasi.preopen_dir(checkpoints, "checkpoints", fs_mutable=True)
wasi.preopen_dir(flights, "input", fs_mutable=False)
store.set_wasi(wasi)
instance = linker.instantiate(store, Component.from_file(engine, component))
# As compose.wac exports it.
interface = instance.get_export_index(store, "wasi:cli/run@0.2.0")
run = instance.get_func(store, instance.get_export_index(store, "run", interface))
# What the program returns; why it failed, it has said on standard error.
sys.exit(0 if run(store).tag == "ok" else 1)
