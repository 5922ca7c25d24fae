"""Ordered and merged state, by random commands against a model.

Many commands are one batch, so that what waits in the cache is seen by those that follow.
"""

from __future__ import annotations

import random
import unittest
from typing import Any

from alluvium_plugin import (
    Add,
    Append,
    Batch,
    Context,
    Description,
    Format,
    Greatest,
    Harness,
    JsonRecords,
    Least,
    Merged,
    Operator,
    OrderedMap,
    Union,
    to_json,
)

Command = list[Any]

# The greatest owner has no successor, and keys have both signs.
OWNERS = [-(2**63), 0, 255, 2**63 - 1]


def bounds(least: int | None, most: int | None) -> dict[str, int]:
    """Returns the bounds of a range. Odd ones do not belong to it."""
    found = {}
    if least is not None:
        found["above" if least % 2 else "at_least"] = least
    if most is not None:
        found["below" if most % 2 else "at_most"] = most
    return found


class Commands(Operator):
    """Obeys commands, and emits what they return."""

    def __init__(self) -> None:
        self.commands: JsonRecords[Command] = JsonRecords(list[Any])
        self.ordered = OrderedMap("ordered", int, int, int)
        self.sums = Merged("sums", int, Add())
        self.least = Merged("least", int, Least(int))
        self.greatest = Merged("greatest", int, Greatest(int))
        self.texts = Merged("texts", int, Append())
        self.sets = Merged("sets", int, Union(int))
        self.merged: list[Merged[int, Any, Any]] = [self.sums, self.least, self.greatest, self.texts, self.sets]

    def describe(self) -> Description:
        described = Description("commands").input("commands", Format.RECORDS).output("answers")
        for each in (self.ordered, *self.merged):
            described = described.namespace(each.namespace)
        return described

    def process(self, input: int, batch: Batch, context: Context) -> None:
        for what, *about in self.commands.read(batch):
            context.emit(0, getattr(self, f"{what}_")(context, *about))

    def set_(self, context: Context, owner: int, key: int, value: int) -> None:
        self.ordered.set(owner, key, value, context)

    def delete_(self, context: Context, owner: int, key: int) -> None:
        self.ordered.delete(owner, key, context)

    def get_(self, context: Context, owner: int, key: int) -> Any:
        return self.ordered.get(owner, key, context)

    def range_(
        self, context: Context, owner: int, least: int | None, most: int | None, reverse: bool, limit: int
    ) -> Any:
        return self.ordered.range(owner, context, **bounds(least, most), reverse=reverse, limit=limit)

    def delete_range_(self, context: Context, owner: int, least: int | None, most: int | None) -> int:
        return self.ordered.delete_range(owner, context, **bounds(least, most))

    def merge_(self, context: Context, key: int, operand: int) -> None:
        for each in self.merged:
            each.merge(key, str(operand).encode() if each is self.texts else operand, context)

    def forget_(self, context: Context, key: int) -> None:
        for each in self.merged:
            each.delete(key, context)

    def merged_(self, context: Context, key: int) -> Any:
        values = [each.get(key, context) for each in self.merged]
        return [value.decode() if isinstance(value, bytes) else value for value in values]


class Model:
    """Does the same in a dict."""

    def __init__(self) -> None:
        self.ordered: dict[tuple[int, int], int] = {}
        self.merged: dict[int, list[int]] = {}

    def obey(self, command: Command) -> Any:
        what, of, *about = command
        if what == "set":
            self.ordered[of, about[0]] = about[1]
        elif what == "delete":
            self.ordered.pop((of, about[0]), None)
        elif what == "get":
            return self.ordered.get((of, about[0]))
        elif what == "range":
            least, most, reverse, limit = about
            return sorted(self.found(of, least, most), reverse=reverse)[:limit]
        elif what == "delete_range":
            gone = self.found(of, *about)
            for key, _ in gone:
                del self.ordered[of, key]
            return len(gone)
        elif what == "merge":
            self.merged.setdefault(of, []).append(about[0])
        elif what == "forget":
            self.merged.pop(of, None)
        elif of not in self.merged:
            return [None] * 5
        else:
            operands = self.merged[of]
            return [sum(operands), min(operands), max(operands), "".join(map(str, operands)), sorted(set(operands))]
        return None

    def found(self, owner: int, least: int | None, most: int | None) -> list[tuple[int, int]]:
        # A bound that is odd does not belong to the range.
        low = -99 if least is None else least + least % 2
        high = 99 if most is None else most - most % 2
        return [(key, value) for (of, key), value in self.ordered.items() if of == owner and low <= key <= high]


def command(source: random.Random) -> Command:
    """Returns a random command."""
    owner, key = source.choice(OWNERS), source.randrange(-6, 6)
    least, most = (source.randrange(-7, 7) if source.random() < 0.5 else None for _ in range(2))
    kinds: list[tuple[int, Command]] = [
        (4, ["set", owner, key, source.randrange(100)]),
        (1, ["delete", owner, key]),
        (1, ["get", owner, key]),
        (2, ["range", owner, least, most, source.random() < 0.5, source.randrange(8)]),
        (1, ["delete_range", owner, least, most]),
        (2, ["merge", owner, key]),
        (1, ["merged", owner]),
        (1, ["forget", owner] if source.random() < 0.25 else ["merge", owner, key]),
    ]
    (chosen,) = source.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])
    return chosen


class ModelTest(unittest.TestCase):
    def test_ranges_and_merges_are_those_of_a_model(self) -> None:
        for seed in range(60):
            source, model, harness = random.Random(seed), Model(), Harness(Commands)
            expected: list[str] = []
            for _ in range(20):
                batch = [command(source) for _ in range(source.randrange(1, 12))]
                expected += [to_json(model.obey(each)) for each in batch]
                if source.random() < 0.25:
                    harness.checkpoint()
                    harness.feed_records(0, [to_json(command(source)) for _ in range(5)])
                    harness.crash()
                harness.feed_records(0, map(to_json, batch))
            self.assertEqual(harness.emitted(), expected, f"seed {seed}")
