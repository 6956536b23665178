"""``rehearse change --windows-server``: a Windows server as PowerShell tells it, and its change."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.importing import release
from harness.importing.differing import Difference, difference
from harness.importing.windows import export
from harness.importing.windows.script import script
from harness.mitigations.inline import Inline
from harness.servers.brought import Brought
from harness.servers.roles import servers_of
from harness.system.plain import say


def check_words(options: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    if not options.windows_server:
        for word in ("windows_shares", "powershell"):
            if getattr(options, word):
                raise UsageError(
                    f"--{word.replace('_', '-')} belongs to a Windows server",
                    "add: --windows-server FILE (Get-SmbServerConfiguration | ConvertTo-Json > FILE)",
                )
        return
    for word in ("smb_conf", "before", "after", "diff", "include", "unset"):
        if getattr(options, word):
            named = f"--{word.replace('_', '-')}"
            raise UsageError(f"{named} is for a Samba: it does not go with --windows-server", export.EXAMPLE)
    if not options.set:
        raise UsageError("there is nothing to change", export.EXAMPLE)


def brought(options: argparse.Namespace, catalogue: Catalogue, name: str) -> Difference:
    """What the change comes to, and the server before it.

    Raises UsageError for files and settings that are none, and for a change that changes nothing.
    """
    windows = export.release_of(options.version_said or "")
    base, _ = release.nearest(options.release or "", catalogue.servers)
    told = export.read(options.windows_server, options.windows_shares, release=windows)
    changed = told.changed(options.set)
    before, after = told.brought(name, base.image), changed.brought(name, base.image)
    found = difference(before, after)
    if not found.parts:
        raise UsageError(
            "nothing changes: the server is set so already, or the lab cannot show the difference",
            "; ".join(found.left_out),
        )
    if options.powershell:
        _write(options.powershell, script(told, changed))
    return replace(found, parts=tuple(_named(catalogue, before, found.parts)))


def _named(catalogue: Catalogue, before: Brought, parts: Sequence[str]) -> Iterator[str]:
    """Each part by the name of the mitigation that is just that on this server, where there is one."""
    server = next(iter(servers_of(before).values()), None)
    for part in parts:
        change = catalogue.mitigation(part)
        known = change.just(server) if isinstance(change, Inline) and server is not None else None
        yield known.name if known else part


def _write(file: Path, text: str) -> None:
    try:
        # With a mark: Windows PowerShell 5.1 reads a script without one in the code page of its machine.
        file.write_text(text, encoding="utf-8-sig", newline="")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror or error}") from error
    say(f"{file}: the server and its change in PowerShell, which was never run: read it first")
