"""The domain's template in the cache: made once, checked before each use, shared by runs (``Store``).

It is made in a lab of its own, so no network is needed; where a machine cannot make it, the reason is kept
for whoever wants a server of the domain.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from harness.errors import LabFault
from harness.labs.domain import TEMPLATE, conf, copying
from harness.labs.images.build import recipe
from harness.labs.images.storage import ImageStatus, Progress, Store
from harness.labs.roots.debian import Tell
from harness.model import accounts
from harness.servers import in_domain
from harness.servers.samba_ad import IMAGES
from harness.system import environment, process
from harness.system.paths import cache_dir

SECONDS: Final = 900.0
"""The most that its making may take; measured on two busy cores: 88 s, 19 s of processor time."""
ROOM: Final = 100 * 2**20
"""Bytes that its making needs at its peak (measured: 60 MB); 3 MB stay."""
_SEE: Final = "see: rehearse doctor"


@dataclass(frozen=True, slots=True)
class _Template:
    """What a ``Store`` keeps of it."""

    name: str
    suite: str = ""
    title: str = f"the domain {in_domain.REALM}, provisioned, with its accounts and machines"
    rooms: int = 1


def with_template(found: Mapping[str, Path], progress: Progress) -> dict[str, Path]:
    """These images, and the template where that of the domain controller is among them; made where it lacks.

    Where it cannot be made it is left out: ``lacking`` tells why whoever wants it.
    """
    if in_domain.IMAGE not in found:
        return dict(found)
    try:
        made = _store(found[in_domain.IMAGE]).ensure([_name()], progress)[_name()]
        copying.check(made)
    except LabFault as fault:
        with suppress(OSError):
            _reason().write_text(str(fault))
        return dict(found)
    _reason().unlink(missing_ok=True)
    return {**found, TEMPLATE: made}


def lacking() -> LabFault:
    """Why there is no domain on this machine, as far as that is known."""
    return LabFault(f"this machine has no domain: {reason() or 'its template is not made'}", _SEE)


def reason() -> str:
    """Why it could not be made when that was last tried; "" where it was made, or nobody tried."""
    try:
        return _reason().read_text()
    except OSError:
        return ""


def status() -> ImageStatus:
    """How it is on this machine; ``why`` also where it could not be made."""
    return _store(Path()).status(_name())


def drop() -> list[str]:
    """Remove it; the names of what was removed. Raises LabFault when a run uses it."""
    mine = _store(Path())
    return [name for name in mine.names() if mine.drop(name)]


def sweep() -> list[str]:
    """See ``Store.sweep``."""
    return _store(Path()).sweep()


def _store(image: Path) -> Store[_Template]:
    def build(_: _Template, root: Path, tell: Tell) -> tuple[str, ...]:
        return _build(image, root, tell)

    return Store(
        cache_dir() / "domains",
        {_name(): _Template(_name())},
        build,
        _recipe,
        ROOM,
        kind="domain",
        see="rehearse doctor",
        fetches=False,
    )


def _reason() -> Path:
    return cache_dir() / "domains" / "why.txt"


@cache
def _name() -> str:
    """What it is called in the cache, by its recipe: several versions of this program share a cache."""
    return f"{TEMPLATE}-{_digest()[:12]}"


def _recipe(_: _Template) -> str:
    return _digest()


@cache
def _digest() -> str:
    """Of everything that decides what is made: the image, what makes it, and what it is made of."""
    digest = hashlib.sha256()
    image = next(one for one in IMAGES if one.name == in_domain.IMAGE)
    digest.update(recipe(image).encode())
    modules = [Path(str(one.__file__)) for one in (conf, in_domain, accounts)]
    # Not loaded for that: every run looks here for what was left behind.
    making = Path(__file__).with_name("making.py")
    for file in (making, *modules, *sorted(copying.PROGRAMS.glob("*.py"))):
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def _build(image: Path, root: Path, tell: Tell) -> tuple[str, ...]:
    root.mkdir()
    lab = [sys.executable, "-m", "harness.labs.namespace", "--"]
    argv = [*lab, sys.executable, "-m", "harness.labs.domain.making", str(image), str(root)]

    def heard(line: str) -> None:
        done, _, text = line.partition(" ")
        if done.replace(".", "").isdigit() and text:
            tell(text, float(done))

    result = process.run_streaming(argv, timeout=SECONDS, heard=heard, env=environment.ours())
    if not result.ok:
        said = result.stderr.strip().splitlines()[-1:]
        raise LabFault(f"the domain cannot be made: {said[0] if said else 'no word of why'}", _SEE)
    from harness.labs.domain import making

    # Out here, where no image is mounted below it.
    shutil.rmtree(root / making.FOLDER)
    return ()
