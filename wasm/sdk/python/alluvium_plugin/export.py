"""Making a component of an operator."""

from __future__ import annotations

import sys
from pathlib import PurePath

from .operator import Maker, made, migrates


class Native:
    """Stands for an export of the component where there is none: natively, as in a test of the operator's module."""

    migrates = False


class NativeMigrating(Native):
    """Stands for the export of an operator that migrates, so that the build knows of it."""

    migrates = True


def export(operator: Maker, name: str = "") -> tuple[type, type]:
    """Exports an operator as a component. It stands once in a module, at its end:

    `Operator, Timed = export(weather)`

    It takes an operator, its class, or a function that makes it. An operator without a name is called `name`, and
    without that like the module. Natively, it only checks that the operator can be made and describes itself.
    """
    exported = made(operator)
    described = exported.describe()
    # The caller's module is the one that exports. Enumerations and named tuples find theirs in the same way.
    fallback = name or _name_of(sys._getframe(1).f_globals)
    if name and described.name not in ("", name):
        raise ValueError(f"the operator is called {described.name!r}, and is exported as {name!r}")
    if not described.inputs:
        raise ValueError(f"the operator {described.name or fallback!r} describes no input")
    # Only within a component there is a module `wit_world`.
    if sys.platform != "wasi":
        return NativeMigrating if migrates(exported) else Native, Native
    from .component.exports import component

    return component(exported, described.name or fallback)


def _name_of(module: dict[str, object]) -> str:
    name = str(module.get("__name__", ""))
    # A module that is run has the name of its file only there.
    return PurePath(str(module.get("__file__", ""))).stem if name == "__main__" else name.rpartition(".")[2]
