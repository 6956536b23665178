"""A judge who finds every smb.conf(5) good, and what becomes of a file then: no Samba is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.importing.acl import Folder
from harness.importing.bring import bring
from harness.labs.unheeded import ConfCheck
from harness.servers.allowed import MODULES, refusal
from harness.servers.brought import Brought
from harness.servers.description import parse, text


@dataclass(frozen=True)
class Agreeing:
    """Somebody who finds every smb.conf(5) good: what is measured here is done before a testparm is asked."""

    image: str = "trixie"
    title: str = "Samba 4.22"
    modules: frozenset[str] = MODULES - {"worm"}
    operations: frozenset[str] | None = frozenset({"mkdirat", "pwrite"})

    def ask(self, _: str) -> ConfCheck:
        return ConfCheck("", "Loaded services file OK.\n")


def brought(
    path: Path, data: str | bytes, *others: Path, folders: Mapping[str, Folder] | None = None
) -> Brought:
    """What becomes of a file with this text."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    made = bring(path, others, name="office", by=Agreeing(), folders=folders or {})
    # What is brought along can be kept, and nothing is in it but what is allowed.
    assert parse(text(made)) == made
    for said in (made.conf.globals, *made.conf.sections.values()):
        assert [name for name, value in said.items() if refusal(name, value)] == []
    return made


def done(made: Brought, parameter: str) -> str:
    """What was done instead of a parameter."""
    (found,) = [one.done for one in made.instead if one.parameter == parameter]
    return found
