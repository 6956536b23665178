"""Brings configurations along inside the lab, where the releases' testparm is: the inner half of the verb.

What is asked for and what came of it are JSON files in one folder, so that nothing of the user's machine but
the files that are named is in the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from harness.errors import RehearsalError, UsageError
from harness.importing import acl
from harness.importing.bring import bring
from harness.importing.judge import Set, check_change, judge
from harness.servers import description
from harness.system.entry import ended

ASKED = "asked.json"
_Whole = Annotated[Path, AfterValidator(Path.absolute)]
"""A file as its user names it from the folder that they are in: the half inside the lab starts elsewhere."""


class Wanted(BaseModel):
    """One configuration to bring along."""

    model_config = ConfigDict(frozen=True)

    first: _Whole
    others: tuple[_Whole, ...] = ()
    acl: _Whole | None = None
    """What getfacl(1) printed of its shares' folders."""
    shown: str
    """What the file is called for people."""
    into: str
    """The name of its description in the folder."""


class Asked(BaseModel):
    """What is to be brought along, and with which release."""

    model_config = ConfigDict(frozen=True)

    name: str
    image: str
    root: Path
    remarks: tuple[str, ...] = ()
    files: tuple[Wanted, ...]
    lines: tuple[Set, ...] = ()
    """What is to be set in the first of them."""


@contextmanager
def _called(one: Wanted) -> Iterator[None]:
    """A mistake in a file is told by the name that people know: one side of a diff is in a file of ours."""
    try:
        yield
    except UsageError as error:
        raise UsageError(error.message.replace(str(one.first), one.shown), error.hint) from error


def main(argv: Sequence[str]) -> int:
    """Bring along what ``ASKED`` in the folder asks for; the exit status."""
    folder = Path(argv[0])
    asked = Asked.model_validate_json((folder / ASKED).read_text())
    try:
        by = judge(asked.image, {asked.image: asked.root}, folder / "lab")
        for one in asked.files:
            folders = acl.read(one.acl) if one.acl else {}
            with _called(one):
                brought = bring(
                    one.first, one.others, name=asked.name, by=by, folders=folders, remarks=asked.remarks
                )
            files = tuple(one.shown if path == str(one.first) else path for path in brought.files)
            if one is asked.files[0]:
                check_change(brought.conf, asked.lines, by, one.shown)
            description.write(folder / one.into, replace(brought, files=files))
    except (KeyboardInterrupt, RehearsalError) as error:
        return ended(error)
    return 0
