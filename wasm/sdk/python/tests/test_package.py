"""The package: what is exported natively, what the command refuses, and that its parts say the same."""

from __future__ import annotations

import io
import re
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path

from alluvium_plugin import Description, Harness, Operator, Tumbling, export
from alluvium_plugin.__main__ import main
from alluvium_plugin.build import WORLD, Failed, command, interfaces, migrates, name_of, reason
from alluvium_plugin.export import _name_of

from .plugins import PLUGINS, plugin
from .streams import Record, tumbling

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parents[1]


class ExportTest(unittest.TestCase):
    def test_natively_the_module_of_an_operator_can_be_imported(self) -> None:
        exported, timed = export(tumbling(0))
        self.assertEqual((exported, timed), (exported, exported))
        for made in (tumbling(0), lambda: tumbling(0)):
            export(made)
            Harness(made).finish()

    def test_an_operator_that_cannot_be_exported_is_told(self) -> None:
        class Nothing(Operator):
            def describe(self) -> Description:
                return Description("nothing")

            def begin(self, input: int, header: list[str]) -> None:
                pass

            process = begin  # type: ignore[assignment]

        with self.assertRaisesRegex(ValueError, "the operator 'nothing' describes no input"):
            export(Nothing)
        with self.assertRaisesRegex(ValueError, "is called 'a', and is exported as 'b'"):
            export(tumbling(0).named("a"), "b")
        with self.assertRaisesRegex(TypeError, "is no operator"):
            export(lambda: Tumbling.hours(1).by(Record, lambda it: it.key))  # type: ignore[arg-type, return-value]

    def test_the_name_is_that_of_the_module(self) -> None:
        self.assertEqual(_name_of({"__name__": "weather", "__file__": "/x/other.py"}), "weather")
        self.assertEqual(_name_of({"__name__": "plugins.weather"}), "weather")
        self.assertEqual(_name_of({"__name__": "__main__", "__file__": "/x/weather.py"}), "weather")


class BuildTest(unittest.TestCase):
    def test_files_that_are_no_modules_are_refused(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for file, what in [
                ("flight-delays.py", "letters, digits and _ in its name"),
                ("weather.txt", "letters, digits and _ in its name"),
                ("json.py", "there is a module json already, which this one would hide"),
                ("keyed_timed_plugin.py", "there is a module keyed_timed_plugin already"),
                ("migrating_keyed_timed_plugin.py", "there is a module migrating_keyed_timed_plugin already"),
            ]:
                (folder / file).touch()
                with self.assertRaisesRegex(Failed, what):
                    name_of(folder / file)
            with self.assertRaisesRegex(Failed, "there is no such file"):
                name_of(folder / "missing.py")
            said = io.StringIO()
            with redirect_stderr(said):
                self.assertEqual(main(["build", str(folder / "missing.py")]), 1)
            self.assertRegex(said.getvalue(), "^error: .*missing.py: there is no such file\n$")
            (folder / "weather.py").touch()
            self.assertEqual(name_of(folder / "weather.py"), "weather")

    def test_a_failed_build_says_what_is_wrong_with_the_module(self) -> None:
        what = "ImportError: cannot import name 'Timed' from 'a' (/a.py)"
        said = f"Traceback:\n  File x\nAssertionError: {what}\n\nCaused by:\n {what}\n\nStack backtrace:\n 0"
        told = f"{what}\na module ends with what it exports: Operator, Timed = export(…)"
        self.assertEqual(reason(said), told)
        self.assertEqual(reason("no such world\n"), "no such world")

    def test_the_command_finds_the_interfaces_and_the_modules(self) -> None:
        arguments = command(Path("/entry"), Path("/"), Path("out.wasm"), WORLD)
        self.assertIn("keyed-timed-plugin", arguments)
        self.assertIn("--stub-wasi", arguments)
        self.assertEqual([arguments[at + 1] for at, it in enumerate(arguments) if it == "-p"][:2], ["/", str(PACKAGE)])
        self.assertTrue((interfaces() / "timed.wit").is_file())

    def test_the_build_looks_whether_the_operator_migrates(self) -> None:
        head = "from alluvium_plugin import Harness, Operator, export\n"
        modules = {
            "without": "from tests.streams import tumbling\nOperator, Timed = export(tumbling(0))\n",
            # What a module prints is not taken for the answer.
            "migrating": "from other import Migrating\nOperator, Timed = export(Migrating)\n"
            "import atexit\natexit.register(print, 'the end')\n",
            "forgetful": "",
            "broken": "1 / 0\n",
        }
        other = """
from alluvium_plugin import Description, Operator


class Migrating(Operator):
    def describe(self):
        return Description("it", 2).input("x")

    def migrate(self, from_version, context): ...
    def begin(self, input, header): ...
    def process(self, input, batch, context): ...
"""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "other.py").write_text(other)
            for module, code in modules.items():
                (folder / f"{module}.py").write_text(head + code)
            self.assertFalse(migrates("without", folder))
            self.assertTrue(migrates("migrating", folder))
            with self.assertRaisesRegex(Failed, "a module ends with what it exports: Operator, Timed = export"):
                migrates("forgetful", folder)
            with self.assertRaisesRegex(Failed, r"(?s)cannot be built.*broken.py.*line 2.*ZeroDivisionError"):
                migrates("broken", folder)
            self.assertEqual(
                sorted(it.name for it in folder.iterdir()), sorted(f"{it}.py" for it in [*modules, "other"])
            )

    @unittest.skipUnless((CHECKOUT / "wit").is_dir(), "not in a checkout")
    def test_the_parts_of_the_checkout_say_the_same(self) -> None:
        (pinned,) = (CHECKOUT / "plugins/delays-py/requirements.txt").read_text().split()
        project = (PACKAGE / "pyproject.toml").read_text()
        self.assertIn(f'dependencies = ["{pinned}"]', project)
        manifest = (CHECKOUT.parent / "Cargo.toml").read_text()
        version = manifest.split('\nversion = "')[1].split('"')[0]
        self.assertIn(f'\nversion = "{version}"\n', project)

    @unittest.skipUnless(PLUGINS.is_dir(), "not in a checkout")
    def test_the_examples_run_natively(self) -> None:
        harness = Harness(plugin("weather").weather)
        harness.feed("origin,time_hour,temp\nJFK,2013-01-01T05:00:00Z,39.5\nJFK,2013-01-01T06:00:00Z,40\n")
        harness.finish()
        day = '"from":"2013-01-01T00:00:00Z","to":"2013-01-02T00:00:00Z"'
        self.assertEqual(harness.emitted(), [f'{{"key":"JFK",{day},"value":39.75}}'])
        inputs = {
            0: "carrier,flight,tailnum,origin,dest,time_hour\nUA,7,N1,EWR,IAH,2013-01-01T10:00:00Z\n"
            "AA,8,N2,JFK,MIA,2013-01-01T10:00:00Z\n",
            1: "origin,time_hour,temp,visib\nEWR,2013-01-01T10:00:00Z,39.5,NA\n",
            2: "tailnum,manufacturer,seats\nN2,BOEING,178\n",
        }
        for order in [(0, 1, 2), (2, 1, 0), (1, 2, 0)]:
            harness = Harness(plugin("joined").Join)
            for input in order:
                harness.feed_to(input, inputs[input])
                harness.checkpoint()
                harness.crash()
            harness.watermark("2013-01-01T11:00:00Z")
            self.assertEqual(harness.emitted(), JOINED)
            self.assertEqual(harness.entries("waiting"), [])


    @unittest.skipUnless((PACKAGE / "README.md").is_file(), "not in a checkout")
    def test_the_examples_of_the_page_run_natively(self) -> None:
        page = (PACKAGE / "README.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(blocks), 2)
        for block in blocks:
            exec(compile(block, "README.md", "exec", dont_inherit=True), {"__name__": "page"})


JOINED = [
    '{"carrier":"AA","flight":8,"hour":"2013-01-01T10:00:00Z","tailnum":"N2","origin":"JFK","dest":"MIA",'
    '"temp":null,"visib":null,"manufacturer":"BOEING","seats":178}',
    '{"carrier":"UA","flight":7,"hour":"2013-01-01T10:00:00Z","tailnum":"N1","origin":"EWR","dest":"IAH",'
    '"temp":39.5,"visib":null,"manufacturer":null,"seats":null}',
]
