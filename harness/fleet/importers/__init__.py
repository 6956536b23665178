"""The importers, one a file, each found by itself: a file offers its importer as ``IMPORTER``.

Files whose names begin with an underscore are what importers share.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from harness.fleet.reading import Importer


@cache
def by_name() -> Mapping[str, Importer]:
    """All importers by their names, in the order of their names."""
    found: dict[str, Importer] = {}
    for file in pkgutil.iter_modules(__path__):
        if not file.name.startswith("_"):
            importer: Importer = import_module(f"{__name__}.{file.name}").IMPORTER
            found[importer.name] = importer
    return MappingProxyType(dict(sorted(found.items())))
