"""A library that is loaded when something of it is first wanted, for those that take long to load.

A command that looks at a run needs no cryptography. Whoever forks workers loads all of it before
(``harness.conduct.preload``), so that they share it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class Later(ModuleType):
    """Stands for a module that has no types: its attributes are that module's, loaded at the first one."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)
