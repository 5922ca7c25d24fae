"""The example plugins of a checkout, for the tests that run them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

PLUGINS = Path(__file__).resolve().parents[3] / "plugins/python"


def plugin(name: str) -> Any:
    """Returns the module of a plugin."""
    sys.path.insert(0, str(PLUGINS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(PLUGINS))
