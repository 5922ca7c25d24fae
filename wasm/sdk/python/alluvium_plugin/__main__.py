"""The command: `python3 -m alluvium_plugin build weather.py`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .build import Failed, build

EXAMPLE = """\
example:
  python3 -m alluvium_plugin build weather.py
  alluvium run weather.wasm --dir run --input weather.csv --output windows.ndjson"""


def main(arguments: list[str] | None = None) -> int:
    """Does what the arguments say, and returns the exit code."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python3 -m alluvium_plugin", description="Stream operators for Alluvium.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    what = "build the component of an operator"
    command = commands.add_parser("build", help=what, description=what, epilog=EXAMPLE, formatter_class=formatter)
    command.add_argument("module", type=Path, metavar="FILE.py", help="the module that exports the operator")
    command.add_argument("-o", "--output", type=Path, metavar="FILE.wasm", help="the component (default: FILE.wasm)")
    given = parser.parse_args(arguments)
    output = given.output or Path(f"{given.module.stem}.wasm")
    try:
        build(given.module, output)
    except Failed as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
