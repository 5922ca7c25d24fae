"""Running an operator natively, in a test: fed, moved in time, crashed and recovered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..description import Clock
from ..host import Entry
from ..operator import Maker, made
from ..refused import Refused
from ..times import Time
from .host import Kept
from .run import Run
from .space import Space, split_timer_key


class Harness:
    """Runs an operator natively, over a state in memory, as a host does it.

    Clocks move when they are told to, and the timers that are due are worked through then. What the operator emits is
    shown by `checkpoint`, exactly once, and `emitted` has all of it, shown or not.

    What the operator refuses is a `Refused`, and has changed nothing. So is a wrong use of the harness. Every other
    exception is a bug of the operator.
    """

    def __init__(self, operator: Maker, parameters: Mapping[str, str] | None = None) -> None:
        """Starts an operator over an empty state.

        It takes an operator, its class, or a function that makes it, and works on copies. Parameters that are not
        given have their defaults.
        """
        self._maker = operator
        self._given = dict(parameters or {})
        self._durable = Kept({}, {}, {})
        self._run = self._start(operator, self._durable)
        # The records that were emitted to each output and shown.
        self._shown: list[list[bytes]] = [[] for _ in self._run.host.emitted]

    def feed(self, records: str | bytes) -> None:
        """Feeds records to the first input: CSV, whose first line names the columns."""
        self.feed_to(0, records)

    def feed_to(self, input: int, records: str | bytes) -> None:
        """Feeds records to an input, by its number. If one of them is refused, all are."""
        self._run.feed(input, records)

    def feed_records(self, input: int, records: Iterable[str | bytes]) -> None:
        """Feeds records to an input of the format `RECORDS`, by its number. If one of them is refused, all are."""
        self._run.feed_records(input, records)

    def route(self, input: int, records: str | bytes) -> list[bytes]:
        """Returns the key that each record of an input belongs to, as the operator says it in `route`."""
        return self._run.route(input, records)

    def route_records(self, input: int, records: Iterable[str | bytes]) -> list[bytes]:
        """Returns the key that each record of an input of the format `RECORDS` belongs to."""
        return self._run.route_records(input, records)

    def watermark(self, time: str | Time) -> None:
        """Moves the watermark, and works through the timers that are due. An earlier watermark changes nothing."""
        self._run.move(Clock.EVENT, _ms(time))

    def processing_time(self, time: str | Time) -> None:
        """Moves the processing time, and works through the timers that are due."""
        self._run.move(Clock.PROCESSING, _ms(time))

    def finish(self) -> None:
        """Ends all inputs: works through all timers of event time, and has the operator finish."""
        self._run.finish()

    def checkpoint(self) -> None:
        """Takes a checkpoint, and shows what was emitted."""
        self._durable = self._run.host.kept.copy()
        for shown, emitted in zip(self._shown, self._run.host.emitted, strict=False):
            shown += emitted
            emitted.clear()

    def crash(self) -> None:
        """Loses everything since the last checkpoint, and starts another instance over what it left."""
        self._run = self._start(self._maker, self._durable)

    def migrate(self, operator: Maker) -> None:
        """Starts another version of the operator over the last checkpoint, after it has migrated the state.

        It takes what the constructor takes, and brings the state to its own schema version by `Operator.migrate`. If
        that fails, nothing has changed.
        """
        before, after = self._run.described.schema_version, made(operator).describe().schema_version
        if before == after:
            raise Refused(f"the state is of schema version {after} already")
        durable = Run(made(operator), self._durable.copy()).migrate(before)
        self._run = self._start(operator, durable)
        self._maker, self._durable = operator, durable
        # An output that the version before did not have has shown nothing.
        self._shown += [[] for _ in self._run.host.emitted[len(self._shown) :]]

    def emitted(self) -> list[str]:
        """Returns the lines that were emitted to the first output, by lost instances too if they were shown."""
        return self.emitted_to(0)

    def emitted_to(self, output: int) -> list[str]:
        """Returns the lines that were emitted to an output, by its number."""
        outputs = self._run.host.emitted
        if not 0 <= output < len(outputs):
            raise Refused(f"there is no output {output}: the operator describes {len(outputs)}")
        return [record.decode(errors="replace") for record in self._shown[output] + outputs[output]]

    def results(self) -> list[str]:
        """Returns all results, page by page."""
        return self._run.results()

    def messages(self) -> list[str]:
        """Returns the messages of the present instance."""
        return list(self._run.host.messages)

    def entries(self, namespace: str) -> list[Entry]:
        """Returns the entries of a namespace, in the order of their keys: the key and the value of each, as bytes.

        The keys of timers begin with their times.
        """
        return list(self._space(namespace).entries())

    def timers(self, namespace: str) -> list[tuple[Time, bytes]]:
        """Returns the timers of a namespace, in their order: the time and the key of each."""
        space = self._space(namespace)
        space.check_holds_timers()
        timers = [split_timer_key(stored) for stored, _ in space.entries()]
        return [(Time(at_ms), key) for at_ms, key in timers]

    def _space(self, namespace: str) -> Space:
        if namespace not in [each.name for each in self._run.described.namespaces]:
            raise Refused(f"there is no namespace {namespace!r}")
        return self._run.host.kept.spaces[namespace]

    def _start(self, operator: Maker, durable: Kept) -> Run:
        run = Run(made(operator), durable.copy())
        run.open(self._given)
        return run


def _ms(time: str | Time) -> int:
    if isinstance(time, Time):
        return time.ms
    try:
        return Time.read(time).ms
    except ValueError as what:
        raise Refused(str(what)) from None
