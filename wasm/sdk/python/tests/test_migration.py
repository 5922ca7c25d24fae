"""A state that another version of an operator has left, and what brings it to the present one."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

from alluvium_plugin import Batch, Context, Description, Harness, Map, Operator, Refused

from .plugins import PLUGINS, plugin

Migrate = Callable[[int, Context], Any]


def flights(carriers: int, start: int, count: int) -> str:
    lines = [f"C{number * 7 % carriers},{number % 90}\n" for number in range(start, start + count)]
    return f"carrier,distance\n{''.join(lines)}"


def values(harness: Harness, namespace: str = "totals") -> list[bytes]:
    return [value for _, value in harness.entries(namespace)]


def version(number: int, *names: str, migrate: Migrate | None = None) -> type[Operator]:
    """Returns a version with these namespaces, which sets a key of the first one for each batch."""
    maps = [Map(name, str, int) for name in names]

    class Version(Operator):
        def describe(self) -> Description:
            described = Description("carriers", number).input("flights").output("flights").parameter("limit", "3", "")
            for _ in range(number - 1):
                described = described.output("more")
            for each in maps:
                described = described.namespace(each.namespace)
            return described

        def open(self, context: Context) -> None:
            if context.parameter("limit") == str(number):
                raise Refused(f"limit: {number} is not wanted")

        def begin(self, input: int, header: list[str]) -> None:
            pass

        def process(self, input: int, batch: Batch, context: Context) -> None:
            maps[0].set("a", number, context)
            context.emit(number - 1, f"{number} after {context.previous_parameter('limit')}")

    class Migrating(Version):
        def migrate(self, from_version: int, context: Context) -> None:
            assert migrate is not None
            migrate(from_version, context)

    return Migrating if migrate else Version


class MigrationTest(unittest.TestCase):
    @unittest.skipUnless(PLUGINS.is_dir(), "not in a checkout")
    def test_a_state_of_version_1_is_continued_by_version_2(self) -> None:
        version_1, version_2 = plugin("carriers_1").Carriers, plugin("carriers").Carriers
        # More carriers than a page of entries has.
        for carriers in (3, 2_500):
            whole, migrated = Harness(version_2), Harness(version_1)
            for batch in range(6):
                records = flights(carriers, batch * 1_000, 1_000)
                whole.feed(records)
                migrated.feed(records)
                migrated.checkpoint()
                if batch == 2:
                    self.assertTrue(values(migrated)[0].startswith(b"["))
                    # What came after the checkpoint is lost, and would be fed again.
                    migrated.feed("carrier,distance\nlost,1\n")
                    migrated.migrate(version_2)
                migrated.crash()
            self.assertEqual(migrated.entries("totals"), whole.entries("totals"))
            self.assertEqual(migrated.emitted(), whole.emitted())
            with self.assertRaisesRegex(Refused, "^the state is of schema version 2 already$"):
                migrated.migrate(version_2)

    def test_a_migration_that_fails_changes_nothing(self) -> None:
        def refuse(from_version: int, context: Context) -> None:
            raise Refused(f"version {from_version} is not known")

        def emit(from_version: int, context: Context) -> None:
            Map("totals", str, int).set("a", 7, context)
            context.emit(1, "a line")

        def closed(from_version: int, context: Context) -> None:
            if context.parameter("limit") is not None:
                raise Refused("a migration has no parameters")

        def entries_of(key: Any, value: Any) -> Migrate:
            return lambda _, context: Map("totals", key, value).entries(context)

        harness = Harness(version(1, "totals"), {"limit": "4"})
        harness.feed("x\n1\n")
        harness.checkpoint()
        for other, what in [
            (version(3, "totals"), "^the operator does not know a state of schema version 1$"),
            (version(3, "totals", migrate=refuse), "^version 1 is not known$"),
            (version(3, "totals", migrate=entries_of(str, str)), "^totals: a value of another type"),
            (version(3, "totals", migrate=entries_of(tuple[int, int], int)), "^totals: a key of another type$"),
            (version(3, "totals", migrate=emit), "^it emitted something: only a batch may$"),
            (version(4, "totals", migrate=closed), "^limit: 4 is not wanted$"),
        ]:
            with self.assertRaisesRegex(Refused, what):
                harness.migrate(other)
            self.assertEqual(values(harness), [b"1"])
        # The old version continues.
        harness.feed("x\n1\n")
        harness.checkpoint()
        self.assertEqual(harness.emitted(), ['"1 after None"'] * 2)
        harness.migrate(version(3, "totals", migrate=closed))
        self.assertEqual(values(harness), [b"1"])

    def test_a_version_may_have_other_namespaces_and_outputs(self) -> None:
        old, fresh = (Map(name, str, int) for name in ("old", "fresh"))

        def move(from_version: int, context: Context) -> None:
            for key, value in old.entries(context):
                fresh.set(key, value + 10, context)

        harness = Harness(version(1, "old"), {"limit": "5"})
        harness.feed("x\n1\n")
        harness.checkpoint()
        harness.migrate(version(2, "fresh", "old", migrate=move))
        self.assertEqual((values(harness, "fresh"), values(harness, "old")), ([b"11"], [b"1"]))
        harness.feed("x\n1\n")
        self.assertEqual(harness.emitted_to(1), ['"2 after 5"'])
        self.assertEqual((values(harness, "fresh"), values(harness, "old")), ([b"2"], [b"1"]))
        harness.checkpoint()
        # What version 3 does not describe is there for version 4.
        harness.migrate(version(3, "fresh", migrate=lambda *_: None))
        with self.assertRaisesRegex(Refused, "there is no namespace 'old'"):
            harness.entries("old")
        harness.migrate(version(4, "old", "fresh", migrate=lambda *_: None))
        self.assertEqual(values(harness, "old"), [b"1"])
        self.assertEqual(harness.emitted_to(1), ['"2 after 5"'], "what was shown stays")
