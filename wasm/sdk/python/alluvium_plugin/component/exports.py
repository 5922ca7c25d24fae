"""The exports of the world.

The modules `wit_world` and `componentize_py_types` are there only within a component. Everything is imported when the
component is built: it has no files to import anything from later.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.machinery import PathFinder
from pathlib import PurePath
from typing import TypeVar

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import operator as wit
from wit_world.imports import logging
from wit_world.imports.types import PackedKeys

from ..batches import Batch, ColumnBatch, RecordBatch, split
from ..context import Context, Parameters
from ..description import Timers
from ..host import lens
from ..operator import Operator, migrates, routed
from ..refused import Refused
from .host import ComponentHost
from .types import described_of

T = TypeVar("T")

Call = Callable[[Context], T]

# How many functions are told of a bug.
FRAMES_MAX = 20


class Running:
    """The operator of this component, and what it keeps between calls."""

    def __init__(self, operator: Operator, name: str) -> None:
        self.operator = operator
        self.name = name
        self.host = ComponentHost()
        self.parameters: Parameters = {}

    def call(self, work: Call[T]) -> T:
        """Calls the operator, and writes what it has changed."""
        context = Context(self.host, self.parameters)
        value = work(context)
        context.flush()
        return value

    def answer_batch(self, work: Call[T]) -> T:
        """Calls the operator with a batch. What it refuses may be the fault of a record."""
        try:
            return logged(lambda: self.call(work))
        except Refused as refused:
            raise Err(wit.Failure(refused.record, refused.text)) from None

    def answer(self, work: Call[T]) -> T:
        """Calls the operator. What it refuses is the answer, and every other exception ends the plugin."""
        try:
            return logged(lambda: self.call(work))
        except Refused as refused:
            raise Err(str(refused)) from None

    def timers_named(self, number: int, context: Context) -> str:
        """Returns the name of the namespace of timers that has this number."""
        for namespace in self.operator.describe().namespaces:
            if isinstance(namespace.kind, Timers) and context.namespace(namespace.name) == number:
                return namespace.name
        raise Refused(f"there is no namespace of number {number} that holds timers")


class NoFiles:
    """Stands for the modules in files. To look for one would end the plugin without a word."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        raise ImportError(
            f"{name} is imported too late: a component has no files, so import it at the top of the module"
        )


def logged(work: Callable[[], T]) -> T:
    """Tells the host's log of a bug, because the trap that follows says nothing of it."""
    # The first call comes when the component runs. Before, it is built, and there are files.
    sys.meta_path[:] = [NoFiles if finder is PathFinder else finder for finder in sys.meta_path]
    try:
        return work()
    except Refused:
        raise
    except BaseException as error:
        # The host's log takes so many messages of a call, so what matters most comes first.
        for message in [f"{type(error).__name__}: {error}", *places(error)[:FRAMES_MAX]]:
            logging.log(logging.Level.ERROR, message)
        raise


def places(error: BaseException) -> list[str]:
    """Returns where an error was raised, the innermost function first."""
    # Python's own way reads the lines of the source from files, and there are none.
    found = []
    frame = error.__traceback__
    while frame is not None:
        code = frame.tb_frame.f_code
        if code.co_filename != __file__:
            found.append(f"  at {PurePath(code.co_filename).name}:{frame.tb_lineno}, in {code.co_name}")
        frame = frame.tb_next
    return found[::-1]


def batch_of(batch: wit.Batch) -> Batch:
    """Returns a batch as operators know it."""
    if isinstance(batch, wit.Batch_Columns):
        return ColumnBatch(batch.value.count, batch.value.field_lens, batch.value.fields)
    return RecordBatch(batch.value.lens, batch.value.bytes)


def component(operator: Operator, name: str) -> tuple[type, type]:
    """Returns the classes that a component exports. They share the operator, however often they are instantiated."""
    running = Running(operator, name)

    class Exported(exports.Operator):
        # A module that exports an operator names two classes. The build finds the other ones here.
        keyed: type
        migration: type

        def describe(self) -> wit.Description:
            return described_of(replace(logged(running.operator.describe), name=running.name))

        def open(self, context: wit.Context) -> None:
            running.parameters = {each.name: (each.value, each.previous) for each in context.settings}
            running.answer(running.operator.open)

        def begin(self, input: int, header: list[str]) -> None:
            running.answer(lambda _: running.operator.begin(input, header))

        def process(self, input: int, batch: wit.Batch) -> None:
            running.answer_batch(lambda context: running.operator.process(input, batch_of(batch), context))

        def results(self, start: bool, limit: int) -> list[str]:
            return running.answer(lambda context: running.operator.results(start, limit, context))

    class Timed(exports.Timed):
        def on_timers(self, namespace: int, at_ms: int, keys: PackedKeys) -> None:
            def work(context: Context) -> None:
                name = running.timers_named(namespace, context)
                running.operator.on_timers(name, at_ms, split(keys.lens, keys.bytes), context)

            running.answer(work)

        def finish(self) -> None:
            running.answer(running.operator.finish)

    class Keyed(exports.Keyed):
        def route(self, input: int, batch: wit.Batch) -> PackedKeys:
            keys = running.answer_batch(lambda _: routed(running.operator, input, batch_of(batch)))
            return PackedKeys(lens(keys), b"".join(keys))

    Exported.keyed = Keyed
    if migrates(operator):

        class Migration(exports.Migration):
            def migrate(self, from_version: int) -> None:
                running.answer(lambda context: running.operator.migrate(from_version, context))

        Exported.migration = Migration
    return Exported, Timed
