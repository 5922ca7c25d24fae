"""The class that operators derive from."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from .batches import Batch
from .context import Context
from .description import Description
from .refused import Refused


class Operator(ABC):
    """A stream operator.

    Everything that must survive belongs in the state, which the `Context` leads to. What an operator keeps in itself
    is lost when the host discards the instance. A call that raises `Refused` has changed nothing in the state, and has
    emitted nothing.
    """

    @abstractmethod
    def describe(self) -> Description:
        """Returns what the operator says of itself. It is always the same."""

    def migrate(self, from_version: int, context: Context) -> None:
        """Rewrites the state that another version of the operator has left to that of `describe`.

        `from_version` is the schema version of that state. It is called once, before `open`, and without parameters.
        It emits nothing. If it fails, the state is as it was. A host offers to migrate the state of an operator that
        has its own method.
        """
        raise Refused(f"the operator does not know a state of schema version {from_version}")

    def open(self, context: Context) -> None:  # noqa: B027
        """Starts a run. The context has the parameters."""

    def begin(self, input: int, header: list[str]) -> None:  # noqa: B027
        """Begins an input of columns, by its number. The columns have these names.

        An operator whose inputs are bytes is not asked.
        """

    @abstractmethod
    def process(self, input: int, batch: Batch, context: Context) -> None:
        """Works in a batch of an input."""

    def route(self, input: int, batch: Batch) -> Sequence[bytes]:
        """Returns the key of each record of a batch, so that the work can be divided among workers.

        Whatever the operator does with a record or a timer, it touches only entries and timers of that key: in a
        hashed namespace the key itself. The answer does not depend on the state. `key_bytes` makes the bytes of a key.
        Without it, the operator runs with one worker only.
        """
        raise Refused("the operator does not say which keys its records belong to, so its work cannot be divided")

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        """Does the work of timers that are set for one time, in the order of their keys.

        `namespace` is the name of the namespace that holds them.
        """
        raise Refused(f"there is no work for the timers of {namespace}")

    def finish(self, context: Context) -> None:  # noqa: B027
        """Does what is left to do when all inputs have ended."""

    def results(self, start: bool, limit: int, context: Context) -> list[str]:
        """Returns a page of results: lines of JSON, sorted by their first member, `"key"`.

        With `start` it is the first page. An empty page is the end.
        """
        return []


Maker = Operator | Callable[[], Operator]
"""An operator, or what makes one: its class, or a function without arguments."""


def made(maker: Maker) -> Operator:
    """Returns an operator that has seen nothing yet."""
    # Not the operator itself: another instance would know the header that it was begun with.
    operator = copy.deepcopy(maker) if isinstance(maker, Operator) else maker()
    if not isinstance(operator, Operator):
        raise TypeError(f"{operator!r} is no operator")
    return operator


def migrates(operator: Operator) -> bool:
    """Returns whether an operator says how the state of another version is migrated."""
    return type(operator).migrate is not Operator.migrate


def routed(operator: Operator, input: int, batch: Batch) -> list[bytes]:
    """Returns the keys that an operator says the records of a batch belong to, one for each record."""
    keys = list(operator.route(input, batch))
    if len(keys) != batch.count or not all(isinstance(key, bytes) for key in keys):
        raise TypeError(f"route returns the bytes of a key for each record, as key_bytes(name): {batch.count} here")
    return keys
