"""What an operator says of itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from .times import in_ms


class Format(Enum):
    """What the records of an input or an output are."""

    LINES = "lines"
    """Of an input: fields, which a header names. Of an output: lines of text."""
    RECORDS = "records"
    """Bytes, as the source has them or as the sink takes them."""


class Clock(Enum):
    """A clock of the stream."""

    EVENT = "event"
    """The time in the records, which the watermark follows."""
    PROCESSING = "processing"
    """The time of the machine."""


class Merge(Enum):
    """How values are merged."""

    ADD = "add"
    """The sum of two numbers of 64 bits."""
    MIN = "min"
    """The lesser value in the order of the bytes."""
    MAX = "max"
    """The greater value in the order of the bytes."""
    APPEND = "append"
    """One value behind the other."""
    SET_UNION = "set-union"
    """The union of two sets."""


@dataclass(frozen=True)
class Hashed:
    """Keys are kept by their hash."""


@dataclass(frozen=True)
class Ordered:
    """Keys are kept in the order of their bytes."""

    route_bytes: int
    """How many bytes at the start of a key say who owns it when the state is divided."""


@dataclass(frozen=True)
class Timers:
    """Keys are timers."""

    clock: Clock
    """The clock that they are set for."""


Kind = Hashed | Ordered | Timers


@dataclass(frozen=True)
class Port:
    """An input or an output."""

    name: str
    """The name, by which the host connects a source or a sink."""
    format: Format = Format.LINES
    """What its records are."""


@dataclass(frozen=True)
class Namespace:
    """A part of the state with keys of its own. Its entries stay until they are deleted, or until they expire."""

    name: str
    """The name, by which checkpoints know it."""
    kind: Kind = Hashed()
    """How its keys are kept."""
    expires: tuple[Clock, int] | None = None
    """By which clock, and how many milliseconds after its last change, an entry goes away by itself."""
    merge: Merge | None = None
    """How values are merged."""

    def expiring(self, clock: Clock, after: timedelta) -> Namespace:
        """Returns the same namespace, whose entries go away so long after they were set."""
        return replace(self, expires=(clock, in_ms(after)))


@dataclass(frozen=True)
class Parameter:
    """What the user of an operator can set."""

    name: str
    """The name."""
    default: str | None
    """The value if the user sets none. None: the user must set one."""
    doc: str
    """What it does, in one sentence."""


@dataclass(frozen=True)
class Description:
    """What an operator says of itself: its name, its inputs and outputs, its namespaces and its parameters.

    `Description("sessions").input("clicks").output("sessions").namespace(Namespace("open"))`
    """

    name: str = ""
    """The name, which all versions of the operator have. The state belongs to it. Without one, it is the name of the
    module that exports the operator."""
    schema_version: int = 1
    """The version of what the operator keeps in its state."""
    inputs: tuple[Port, ...] = ()
    """The inputs, of which there is at least one."""
    outputs: tuple[Port, ...] = ()
    """The outputs."""
    namespaces: tuple[Namespace, ...] = ()
    """The namespaces."""
    parameters: tuple[Parameter, ...] = ()
    """The parameters."""

    def input(self, name: str, format: Format = Format.LINES) -> Description:
        """Adds an input, which has columns if nothing else is said."""
        return replace(self, inputs=(*self.inputs, Port(name, format)))

    def output(self, name: str, format: Format = Format.LINES) -> Description:
        """Adds an output, which has lines if nothing else is said."""
        return replace(self, outputs=(*self.outputs, Port(name, format)))

    def namespace(self, namespace: Namespace) -> Description:
        """Adds a namespace."""
        return replace(self, namespaces=(*self.namespaces, namespace))

    def timers(self, name: str, clock: Clock = Clock.EVENT) -> Description:
        """Adds a namespace of timers."""
        return self.namespace(Namespace(name, Timers(clock)))

    def parameter(self, name: str, default: str | None, doc: str) -> Description:
        """Adds a parameter."""
        return replace(self, parameters=(*self.parameters, Parameter(name, default, doc)))
