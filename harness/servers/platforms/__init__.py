"""The platforms, one a file: the file has the platform's name and offers it as ``PLATFORM``."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from harness.servers.platform import Platform


@cache
def names() -> tuple[str, ...]:
    """What may stand for a platform in a file or on the command line. None of them is loaded for it."""
    return tuple(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))


@cache
def named(name: str) -> Platform:
    """The platform of a name that comes from a file. Raises ValueError that says which there are."""
    if name not in names():
        *others, last = names()
        raise ValueError(f"{name!r} is no platform: there are {', '.join(others)} and {last}")
    platform = import_module(f"{__name__}.{name}").PLATFORM
    if not isinstance(platform, Platform):
        raise TypeError(f"{__name__}.{name}.PLATFORM is no Platform")
    return platform
