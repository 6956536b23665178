"""The user's own files that a run rests on: which they were, and what became of them since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from harness.catalogue import Catalogue, Kind
from harness.errors import UsageError
from harness.planning.plan import Source, SourceKind
from harness.planning.scenario import Script
from harness.system import files


def of_scripts(catalogue: Catalogue, scripts: Iterable[Script]) -> tuple[Source, ...]:
    """The scenario files that are not ours. Raises UsageError for one that went away meanwhile."""
    ours = {path.resolve() for path in catalogue.scenarios.values()}
    return tuple(
        _source(SourceKind.SCENARIO, one.name, one.path) for one in scripts if one.path.resolve() not in ours
    )


def added(catalogue: Catalogue, clients: Iterable[str]) -> tuple[Source, ...]:
    """The persona files of these clients, and the files of exposures, that come from elsewhere.

    Their names are those of the copies that a run folder keeps. Raises UsageError.
    """
    personas = (path for name in sorted(set(clients)) if (path := catalogue.file("client", name)) is not None)
    holes = enumerate(catalogue.files(Kind.HOLES))
    return (
        *(_source(SourceKind.PERSONA, path.name, path) for path in personas),
        *(_source(SourceKind.EXPOSURES, kept_name(number, path), path) for number, path in holes),
    )


def kept_name(number: int, path: Path) -> str:
    """How the copy of a file of exposures is called: several may have the same name."""
    return f"{number}-{path.stem}.toml"


def _source(kind: SourceKind, name: str, path: Path) -> Source:
    return Source(kind, name, str(path.resolve()), _digest(path))


def is_same(source: Source, path: Path) -> bool:
    """Whether a file holds what was measured with. Raises UsageError where it cannot be read."""
    return _digest(path) == source.sha256


def since(source: Source) -> str:
    """What became of a file since: "has changed since", "is gone"; "" where it is as it was."""
    path = Path(source.path)
    if not path.exists():
        return "is gone"
    try:
        return "" if is_same(source, path) else "has changed since"
    except UsageError as error:
        return f"cannot be read any more ({error.message})"


def _digest(path: Path) -> str:
    return hashlib.sha256(files.read(path)).hexdigest()
