"""Whether a rehearsal can run on this machine: looked at, tried, and for each lack what mends it.

Data only: the command line shows it. Takes about 0.4 s, and once 8 s more at most (``boxes.acceleration``).
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

from harness.errors import LabFault
from harness.labs import cleanup, diagnosis, images, namespace
from harness.labs.boxes import doctor as machines
from harness.labs.domain import template
from harness.labs.finding import DoctorFinding, at_once, optional, program
from harness.labs.images import steps
from harness.labs.images.build import ROOM
from harness.labs.images.storage import ImageStatus, needed_room, unusable
from harness.labs.roots import debian
from harness.servers import in_domain
from harness.system import environment, programs
from harness.system.client_image import CLIENTS, NODE_CLIENT
from harness.system.image import Image
from harness.system.paths import cache_dir, made_cache_dir, made_runs_dir, runs_dir
from harness.system.programs import INSTALL

OLDEST = (3, 11)
"""The oldest Python that this project supports."""


def examine(
    known: Mapping[str, Image], packages: Mapping[str, str] | None = None, *, again: bool = False
) -> list[DoctorFinding]:
    """Look at everything that a rehearsal needs, in the order in which it needs it.

    ``known``: the images that there are; ``packages``: the clients that are Python packages, name -> package.
    A missing one is no obstacle.
    ``again``: try anew what is else tried once and remembered.
    """
    cache = _directory("cache", _cache)
    runs = _directory("runs", made_runs_dir)
    states = images.status(known) if cache.ok else []
    built = [state for state in states if not known[state.name].added]
    complete = bool(built) and all(state.state == "present" for state in built)
    found = [_python(), *_namespaces()]
    found += [program(name, environment.PATH) for name in programs.OF_A_LAB]
    found += [_to_build(finding, complete) for finding in _builders()]
    found.append(at_once(found))
    found += [cache, runs]
    if cache.ok:
        found.append(_space(known, built))
        found += [_image(state, mine=bool(known[state.name].added)) for state in states]
        found += [_domain(state) for state in states if state.name == in_domain.IMAGE]
        found.append(_node(states))
    if cache.ok and runs.ok:
        found.append(_leftovers())
    if cache.ok:
        found += machines.examine(again=again)
    found += [_library(name, package) for name, package in sorted((packages or {}).items())]
    found.append(_host_samba())
    return found


def _python() -> DoctorFinding:
    wanted = ".".join(map(str, OLDEST))
    return DoctorFinding(
        "Python",
        sys.version_info >= OLDEST,
        platform.python_version(),
        "" if sys.version_info >= OLDEST else f"install Python {wanted} or later",
    )


def _namespaces() -> list[DoctorFinding]:
    if namespace.inside():
        return [DoctorFinding("private lab", True, "we are in one")]
    causes = diagnosis.diagnose()
    if not causes:
        how = "with a user namespace" if "--user" in diagnosis.unshare_argv() else "as root"
        return [DoctorFinding("private lab", True, f"network, mount and process namespaces work, {how}")]
    return [DoctorFinding("private lab", False, cause.why, cause.mend) for cause in causes]


def _builders() -> list[DoctorFinding]:
    # mmdebstrap asks gpg which keyring signs an archive that this machine's apt does not know.
    found = [program(name) for name in ("mmdebstrap", "tar", "gpg")]
    keyring = next((path for path in debian.KEYRINGS if path.exists()), None)
    mend = "" if keyring else f"{INSTALL} debian-archive-keyring"
    detail = str(keyring) if keyring else "not installed"
    suites = debian.SUITES.exists()
    return [
        *found,
        DoctorFinding("Debian's archive keyring", keyring is not None, detail, mend),
        DoctorFinding(
            "Debian's releases",
            suites,
            str(debian.SUITES) if suites else "not installed",
            "" if suites else f"{INSTALL} distro-info-data",
        ),
    ]


def _to_build(finding: DoctorFinding, complete: bool) -> DoctorFinding:
    """What only builds images is no obstacle where all are built."""
    if finding.ok or not complete:
        return finding
    gives = "images that are built anew, after: rehearse clean --images"
    return optional(finding.name, f"{finding.detail}; every image is built", gives, finding.mend)


def _directory(name: str, find: Callable[[], Path]) -> DoctorFinding:
    try:
        return DoctorFinding(f"{name} directory", True, str(find()))
    except LabFault as fault:
        return DoctorFinding(f"{name} directory", False, fault.message, fault.hint)


def _cache() -> Path:
    cache = made_cache_dir()
    if why := unusable(cache):
        raise LabFault(f"{cache}: {why}", "set XDG_CACHE_HOME to a directory elsewhere")
    return cache


def _library(client: str, package: str) -> DoctorFinding:
    try:
        return DoctorFinding(f"client {client}", True, f"{package} {metadata.version(package)}")
    except metadata.PackageNotFoundError:
        gives = f"the client {client}, a real one (without it, it is left out of rehearsals)"
        mend = f"{sys.executable} -m pip install {package}"
        return optional(f"client {client}", f"{package} is not installed", gives, mend)


def _space(known: Mapping[str, Image], states: list[ImageStatus]) -> DoctorFinding:
    free = shutil.disk_usage(cache_dir()).free
    builds = (known[state.name] for state in states if state.state != "present")
    needed = needed_room(builds, ROOM)
    detail = f"{free // 2**20} MB free" + (f", {needed // 2**20} MB needed" if needed else "")
    mend = "" if free >= needed else f"make room in {cache_dir()}, or set XDG_CACHE_HOME"
    return DoctorFinding("disk space", not mend, detail, mend)


def _image(state: ImageStatus, *, mine: bool) -> DoctorFinding:
    name = f"image {state.name}" + (" (yours)" if mine else "")
    if state.state == "present":
        what = f"samba {state.version}" if state.version else "client programs"
        return DoctorFinding(name, True, f"{what}, {state.size // 2**20} MB")
    # Not an obstacle: the next run that needs it builds it, which takes about 7 s.
    why = f": {state.why}" if state.why else ""
    gives = state.title
    mend = "nothing to type: the first run that wants it builds it"
    if mine:
        mend = f"rehearse images remove {state.name}, and add it again: rehearse images add {state.name} ..."
    return optional(name, f"{state.state}{why}", gives, mend)


def _domain(image: ImageStatus) -> DoctorFinding:
    """The template of the lab's domain, which is made when its image is there and somebody wants it."""
    gives = f"the servers of the domain {in_domain.REALM}: samba-ad-dc, samba-ad-member"
    mend = "nothing to type: the first run that wants it makes it"
    if image.state != "present":
        return optional("domain", f"the image {image.name} is not built", gives, mend)
    made = template.status()
    if made.state == "present":
        return DoctorFinding("domain", True, f"{in_domain.REALM}, provisioned")
    if why := template.reason():
        return optional(
            "domain", f"it could not be made: {why}", gives, "mend that; the next run tries again"
        )
    return optional("domain", f"{made.state}: {made.why}" if made.why else made.state, gives, mend)


def _node(states: list[ImageStatus]) -> DoctorFinding:
    """The one client whose program is no Debian package: it comes by npm when the image is built."""
    name = CLIENTS.name
    built = any(state.name == name and state.state == "present" for state in states)
    if built and images.has(name, NODE_CLIENT):
        return DoctorFinding("Node.js client", True, "installed")
    npm = steps.here("npm")
    if not built and npm:
        mend = f"nothing to type: {npm} installs it when the image {name} is built"
        return optional("Node.js client", f"the image {name} is not built", _NODE, mend)
    rebuild = "rehearse clean --images" if built else ""
    mend = " && ".join(word for word in ("" if npm else f"{INSTALL} npm", rebuild) if word)
    return optional("Node.js client", "npm was not there when its image was built", _NODE, mend)


_NODE = "the client node-smb2, a real one (without it, it is left out of rehearsals)"


def _host_samba() -> DoctorFinding:
    samba = images.host_samba()
    if samba:
        return DoctorFinding("this machine's Samba", True, samba)
    gives = "the server samba-host: this machine's own Samba, rehearsed in the lab"
    return optional("this machine's Samba", "not installed", gives, f"{INSTALL} samba")


def _leftovers() -> DoctorFinding:
    left = [lab.parent.name for lab in cleanup.leftovers(runs_dir())]
    if not left:
        return DoctorFinding("leftovers", True, "none")
    detail = f"of interrupted runs: {', '.join(left)} (the next run removes them)"
    return optional("leftovers", detail, "the room that they take on the disk", "rehearse clean")
