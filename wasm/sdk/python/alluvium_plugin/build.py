"""Building the component of an operator, with componentize-py."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
WORLD = "keyed-timed-plugin"
# A host offers a migration of a plugin that exports one.
MIGRATING_WORLD = "migrating-keyed-timed-plugin"

# What componentize-py exports: the classes of these names in a module that imports the operator's one. So the latter
# names two of them, however many there are.
ENTRY = "alluvium_plugin_entry"
EXPORTS = """\
from {module} import Operator, Timed

Keyed = Operator.keyed
"""
MIGRATION = "Migration = Operator.migration\n"

# The operator decides which world its component is of, so its module is imported natively before the build. The answer
# is a text that the module itself does not print.
LOOK = """\
import sys
sys.path[:0] = sys.argv[1:]
from {module} import Operator, Timed
print("{answer}", Operator.migrates)
"""
ANSWER = "alluvium_plugin: does the operator migrate?"

# componentize-py is a library with one function that reads the arguments of the process.
COMPONENTIZE = "import sys; from componentize_py import script; sys.exit(script())"


class Failed(Exception):
    """Says why there is no component."""


def build(module: Path, output: Path) -> None:
    """Builds the component of the operator that a module exports."""
    name = name_of(module)
    if find_spec("componentize_py") is None:
        raise Failed(f"componentize-py is missing: {sys.executable} -m pip install alluvium-plugin brings it")
    folder_of_module = module.resolve().parent
    is_migrating = migrates(name, folder_of_module)
    output.parent.mkdir(parents=True, exist_ok=True)
    # It is built beside its place, so that a build that fails leaves the component that was there.
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=output.parent) as folder:
        built = Path(folder) / "component.wasm"
        entry = Path(folder) / "entry"
        entry.mkdir()
        exports = EXPORTS.format(module=name) + (MIGRATION if is_migrating else "")
        (entry / f"{ENTRY}.py").write_text(exports, encoding="utf-8")
        run(command(entry, folder_of_module, built, MIGRATING_WORLD if is_migrating else WORLD))
        os.replace(built, output)


def name_of(module: Path) -> str:
    """Returns the name by which a module is imported, or says why it cannot be."""
    if not module.is_file():
        raise Failed(f"{module}: there is no such file")
    name = module.stem
    if module.suffix != ".py" or not name.isidentifier() or not name.isascii():
        raise Failed(f"{module}: a module's file has letters, digits and _ in its name, as flight_delays.py")
    worlds = (world.replace("-", "_") for world in (WORLD, MIGRATING_WORLD))
    if name in sys.stdlib_module_names or name in ("wit_world", "alluvium_plugin", ENTRY, *worlds):
        raise Failed(f"{module}: there is a module {name} already, which this one would hide; rename it")
    return name


def migrates(name: str, folder: Path) -> bool:
    """Returns whether the operator that a module in a folder exports migrates the state of older versions."""
    look = LOOK.format(module=name, answer=ANSWER)
    # No file is left behind in the folder.
    return f"{ANSWER} True" in run([sys.executable, "-B", "-c", look, str(folder), str(PACKAGE.parent)])


def interfaces() -> Path:
    """Returns the folder of the interfaces, which is in the package, and in a checkout beside the other ones."""
    for folder in (PACKAGE / "wit", PACKAGE.parents[2] / "wit"):
        if (folder / "worlds.wit").is_file():
            return folder
    raise Failed(f"{PACKAGE}: the interfaces are missing; install alluvium-plugin again")


def command(entry: Path, folder: Path, output: Path, world: str) -> list[str]:
    """Returns the command that builds a component of the module in a folder, with the folder of what it exports."""
    paths = [folder, entry, PACKAGE.parent, *site_packages()]
    paths = list(dict.fromkeys(path for path in paths if path.is_dir()))
    # WASI is replaced by a stub, because a plugin has no files, no clock, no randomness and no network.
    return [
        *(sys.executable, "-c", COMPONENTIZE, "--quiet", "-d", str(interfaces()), "-w", world),
        *("componentize", "--stub-wasi", ENTRY, "-o", str(output)),
        *(argument for path in paths for argument in ("-p", str(path))),
    ]


def site_packages() -> list[Path]:
    """Returns where the packages are that an operator may import."""
    return [Path(path) for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def run(arguments: list[str]) -> str:
    """Runs a command, and returns what it said. If it failed, that is in the error."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise Failed(f"the component cannot be built\n{reason(said)}")
    return said


def reason(said: str) -> str:
    """Returns what is wrong with the module, of what componentize-py said."""
    # In front of it there is how componentize-py was called, and behind it the same again and where that was.
    told = said.partition("\nCaused by:")[0].partition("\nStack backtrace:")[0]
    told = (told.partition("AssertionError: ")[2] or told).strip()
    if "cannot import name 'Operator'" in told or "cannot import name 'Timed'" in told:
        told += "\na module ends with what it exports: Operator, Timed = export(…)"
    return told
