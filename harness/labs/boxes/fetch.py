"""Boxes that are not made here: fetched ahead by Vagrant itself, from wherever the catalogue says.

They are kept in a Vagrant home of the lab's own (``vagrant_home``); the user's is neither read nor changed.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from harness.errors import LabFault, UsageError
from harness.labs import guests
from harness.labs.guests import BuiltBox, FileBox, Guest, RegistryBox, UrlBox, YourBox
from harness.system import process
from harness.system.environment import tool_path, tools
from harness.system.paths import cache_dir, made_cache_dir

PROVIDER = "libvirt"
"""Of Vagrant, with which a rehearsal starts its machines."""
SECONDS = 6 * 3600.0
"""The most that fetching one box may take: a Windows box has up to 10 GB."""

_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PROGRESS = re.compile(r"Progress: (\d+)%")


def vagrant_home() -> Path:
    """VAGRANT_HOME of everything that the lab does; it need not exist."""
    return cache_dir() / "vagrant"


def made_vagrant_home() -> Path:
    """The same, for who starts Vagrant: it exists. Raises LabFault when it cannot be made."""
    home = made_cache_dir() / "vagrant"
    home.mkdir(mode=0o700, exist_ok=True)
    return home


def environment() -> dict[str, str]:
    """What Vagrant is started with: its home is ours, it asks nobody for news, it prints no colours.

    Raises LabFault when that home cannot be made.
    """
    return {
        "VAGRANT_HOME": str(made_vagrant_home()),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "VAGRANT_NO_COLOR": "1",
    }


def folder_of(name: str, home: Path) -> Path:
    """Where a Vagrant home keeps the versions of a box."""
    return home / "boxes" / name.replace("/", "-VAGRANTSLASH-")


def installed(name: str, home: Path) -> dict[str, tuple[str, ...]]:
    """The versions of a box that a Vagrant home has, each with its providers.

    Vagrant's layout: boxes/OWNER-VAGRANTSLASH-NAME/VERSION/PROVIDER, since 2.4 VERSION/ARCHITECTURE/PROVIDER;
    a box is where a metadata.json is.
    """
    found: dict[str, tuple[str, ...]] = {}
    folder = folder_of(name, home)
    for version in sorted(folder.iterdir()) if folder.is_dir() else []:
        providers = {
            file.parent.name for depth in ("*", "*/*") for file in version.glob(f"{depth}/metadata.json")
        }
        if providers:
            found[version.name] = tuple(sorted(providers))
    return found


def fetch(
    guest: Guest, provider: str, tell: Callable[[str, float], None], *, given: str = "", again: bool = False
) -> str:
    """Fetch the box of a guest for a provider; answers with one line that says what is there now.

    ``given``: a file or an address in place of the catalogue's, for a box that the user brings. ``again``:
    also when it is there. Raises UsageError when it is not to be fetched at all, LabFault when it cannot be.
    """
    box = guest.box
    if provider not in guest.providers:
        raise UsageError(f"{guest.name} has no box for {provider}", f"it has: {', '.join(guest.providers)}")
    if isinstance(box, BuiltBox) and not given:
        raise UsageError(f"the box of {guest.name} is made here", f"rehearse boxes build {box.recipe}")
    there = installed(box.name, vagrant_home())
    if not again and not given and any(provider in providers for providers in there.values()):
        return f"{box.name} is there"
    if shutil.which("vagrant", path=tool_path()) is None:
        raise LabFault("vagrant is not installed", "see: rehearse doctor")
    words = ["vagrant", "box", "add", "--provider", provider, *(["--force"] if again or given else [])]
    done = process.run_streaming(
        [*words, *_source(guest, given)],
        timeout=SECONDS,
        env={**tools(), **environment()},
        heard=lambda line: _hear(line, tell),
    )
    if not done.ok:
        raise LabFault(f"cannot fetch {box.name}: {_complaint(done)}", "see docs/boxes.md for other sources")
    return f"{box.name} is fetched"


def _source(guest: Guest, given: str) -> list[str]:
    """What Vagrant is told: the name, and where to get it."""
    box = guest.box
    if given:
        return ["--name", box.name, given if "://" in given else str(_file(Path(given).expanduser()))]
    match box:
        case RegistryBox():
            return ["--box-version", box.version, box.name]
        case UrlBox():
            return ["--name", box.name, "--checksum-type", "sha256", "--checksum", box.sha256, box.url]
        case FileBox():
            checked = ["--checksum-type", "sha256", "--checksum", box.sha256] if box.sha256 else []
            return [
                "--name",
                box.name,
                *checked,
                str(_file(guests.local_file().parent / Path(box.path).expanduser())),
            ]
        case YourBox():
            raise missing(guest)
        case BuiltBox():
            raise UsageError(f"the box of {guest.name} is made here", f"rehearse boxes build {box.recipe}")


def absent(guest: Guest, home: Path, provider: str = PROVIDER) -> LabFault | None:
    """Why the lab cannot start a guest for want of its box; None when it is here, or is made here.

    A box of another version or provider is none: Vagrant would fetch the right one.
    """
    box = guest.box
    if isinstance(box, BuiltBox):
        return None
    there = {version for version, has in installed(box.name, home).items() if provider in has}
    if box.version in there if isinstance(box, RegistryBox) else there:
        return None
    if provider not in guest.providers:
        return LabFault(
            f"the box of {guest.name} is none for {provider} but for {', '.join(guest.providers)}",
            "name one for it in guests.local.yaml: see docs/boxes.md",
        )
    if isinstance(box, YourBox):
        return missing(guest)
    return LabFault(
        f"the box of {guest.name} is not here", f"rehearse boxes fetch {guest.name} --provider {provider}"
    )


def missing(guest: Guest) -> LabFault:
    """What is said of a guest whose box only the user can bring."""
    return LabFault(
        f"there is no box for {guest.name}: it must be yours",
        f"rehearse boxes fetch {guest.name} --from FILE; see docs/boxes.md",
    )


def _file(path: Path) -> Path:
    if not path.is_file():
        raise LabFault(f"there is no file {path}", "see docs/boxes.md")
    return path.resolve()


def _hear(line: str, tell: Callable[[str, float], None]) -> None:
    # Each state of a progress bar is a line of its own here, for it stands behind a carriage return.
    at = _PROGRESS.search(line)
    if at is not None:
        tell("downloading", int(at[1]) / 100 * 0.9)
    elif "Unpacking" in line or "Successfully added" in line:
        tell("adding it to Vagrant", 0.9)


def _complaint(result: process.Result) -> str:
    """Why it failed, in one line."""
    if result.status is None:
        return f"not done within {SECONDS / 3600:g} h"
    lines = [_ESCAPE.sub("", line).strip() for line in result.stderr.splitlines()]
    told = [line for line in lines if line and not line.startswith(("==>", "box:", "Progress:"))]
    # Vagrant's message is a paragraph: its first sentence says what happened, the end or "Error:" why.
    first = " ".join(told).partition(". ")[0].partition(" The error message")[0].rstrip(".")
    why = [line.partition(":")[2].strip() for line in told if line.startswith("Error:")]
    if not why and any(line.endswith("shown below:") for line in told):
        why = told[-1:]
    return ": ".join(part for part in (first, *why) if part) or f"vagrant ended with status {result.status}"
