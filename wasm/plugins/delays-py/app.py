"""The plugin `delays` in Python. It adds up flight delays for each carrier and route.

The state has one key for each carrier and route, `{carrier}:{origin}-{dest}`. Its value is the JSON object
that the plugin of the same name in Rust writes, byte for byte. Each can continue from the other's checkpoints.
"""

from typing import Callable, Dict, List, Optional, TypeVar

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.operator import Batch, Batch_Columns, Context, Description, Failure, Input, InputFormat
from wit_world.imports import state
from wit_world.imports.types import Columns, PackedKeys

import flights
import route

T = TypeVar("T")

# The namespace that every state has.
DEFAULT = 0


class Operator(exports.Operator):
    # These values are lost when the host discards the instance: the header, which the next `begin` passes
    # again, and the walk that `results` continues. Data that must survive is in `state`.
    columns: Optional[flights.Columns] = None
    walk: Optional[state.Cursor] = None

    def describe(self) -> Description:
        inputs = [Input("flights", InputFormat.COLUMNS)]
        return Description("delays", 1, inputs, outputs=[], namespaces=[], parameters=[])

    def open(self, context: Context) -> None:
        Operator.columns = Operator.walk = None

    def begin(self, input: int, header: List[str]) -> None:
        Operator.columns = told(lambda: flights.find_columns(header))

    def process(self, input: int, batch: Batch) -> None:
        try:
            work_in(Operator.columns, batch)
        except flights.Wrong as wrong:
            raise Err(Failure(wrong.record, str(wrong))) from None

    def results(self, start: bool, limit: int) -> List[str]:
        return told(lambda: page(start, limit))


def work_in(columns: Optional[flights.Columns], batch: Batch) -> None:
    if not isinstance(batch, Batch_Columns):
        raise flights.Wrong("the input has columns")
    if columns is None:
        raise flights.Wrong("process was called before begin")
    changes: Dict[str, route.Route] = {}
    for record, flight in flights.each_flight(columns, batch.value):
        before, change = changes.get(flight.key), route.one(flight)
        try:
            changes[flight.key] = route.plus(flight.key, before, change) if before else change
        except flights.Wrong as wrong:
            raise flights.Wrong(str(wrong), record) from None

    # One call reads the old values for the whole batch, whatever its size. The keys are sorted by bytes, so
    # that the same records make the same calls.
    routes = sorted((key.encode(), key) for key in changes)
    lens = [len(raw) for raw, _ in routes]
    keys = b"".join(raw for raw, _ in routes)
    old = asked(lambda: state.get_many(DEFAULT, PackedKeys(lens, keys)))

    at, values = 0, []
    for (_, key), present, length in zip(routes, old.present, old.lens):
        value, change = old.bytes[at : at + length], changes[key]
        at += length
        if present:
            change = route.plus(key, route.read(key, value.decode()), change)
        values.append(route.write(change).encode())
    update = Columns(bytes(len(routes)), lens, [len(value) for value in values], keys, b"".join(values))
    asked(lambda: state.apply(DEFAULT, update))


def page(start: bool, limit: int) -> List[str]:
    if start:
        Operator.walk = asked(lambda: state.iterate(DEFAULT, b""))
    if Operator.walk is None:
        raise flights.Wrong("results was called for the next page before the first page")
    walk = Operator.walk
    entries = asked(lambda: walk.next(limit))
    key_at = value_at = 0
    lines = []
    for key_len, value_len in zip(entries.key_lens, entries.value_lens):
        key = entries.keys[key_at : key_at + key_len].decode()
        value = entries.values[value_at : value_at + value_len].decode()
        lines.append(route.line(key, value))
        key_at, value_at = key_at + key_len, value_at + value_len
    return lines


def asked(question: Callable[[], T]) -> T:
    """Calls the state. If it refuses, raises the engine's text, which says where the error is."""
    try:
        return question()
    except Err as refused:
        raise flights.Wrong(refused.value.value) from None


def told(work: Callable[[], T]) -> T:
    """Turns `Wrong` into the call's error. Any other exception is a bug and ends the plugin."""
    try:
        return work()
    except flights.Wrong as wrong:
        raise Err(str(wrong)) from None
