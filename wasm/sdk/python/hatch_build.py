"""Adds the interfaces and the licence, of which a checkout has one copy for all languages."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        # A source distribution has them already. An editable install finds the interfaces of the checkout.
        if (root / "alluvium_plugin/wit").is_dir() or version == "editable":
            return
        build_data["force_include"][str(root.parents[1] / "wit")] = "alluvium_plugin/wit"
        if self.target_name == "sdist":
            build_data["force_include"][str(root.parents[2] / "LICENSE")] = "LICENSE"
