"""What the build adds to a wheel: the manual page, and the completions for bash, zsh and fish.

They are made of the command line's own words, and go where a prefix has them: pip puts them below
``share`` of the environment, pipx shows the manual page to man(1).
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface[Any]):
    """The class that hatchling looks for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's
        """Write the files, and say where they go."""
        # The words need nothing but Python and argcomplete; the build has no other library of the project's.
        sys.path.insert(0, self.root)
        from harness.cli import manual
        from harness.cli.parser import build
        from harness.verbs import completion

        made = {"share/man/man1/rehearse.1": manual.page(build(), self.metadata.version)}
        made |= {place: completion.script(shell) for shell, place in completion.PLACES.items()}
        self._folder = TemporaryDirectory()
        for number, (place, text) in enumerate(made.items()):
            path = Path(self._folder.name, str(number))
            path.write_text(text, encoding="utf-8")
            build_data["shared_data"][str(path)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """The files are in the wheel now."""
        self._folder.cleanup()
