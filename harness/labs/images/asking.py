"""Asking the Samba of a root file system how it is started and asked, and whether it serves here at all.

``python -m harness.labs.images.asking ROOT FOLDER [PACKAGE]``, inside a lab: prints an ``Asked`` as JSON and
leaves its ``Ways`` in the root file system. Everything of the image runs in the lab's namespace, as the
servers' user, without setuid programs, devices or a network (``labs.namespace``). Nothing is taken from a
table of versions: what an old smbd lacks it says itself, by ``--help``, ``-b`` and testparm(1).
"""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from harness.errors import LabFault
from harness.labs import namespace, samba_ways, server_internals
from harness.labs.images import dpkg
from harness.labs.images.answers import Asked
from harness.labs.images.executable import elf, hindrance
from harness.labs.local import LocalLab
from harness.labs.roots.mounted import Roots
from harness.labs.roots.within import within
from harness.labs.samba_internals import release
from harness.labs.samba_ways import Ways, version_in
from harness.model import Dialect
from harness.servers.base import Conf, Server, parameter_key
from harness.system import ended
from harness.system.plain import clean
from harness.system.process import Result, run

SECONDS: Final = 15.0
"""For one answer of a program of the image."""
_IMAGE: Final = "added"
_MEMORY: Final = 2 * 2**30
"""Bytes of address space for this process and for what it asks: a program may print without end."""
_LONGEST: Final = 600
"""Characters of a refusal: it may have the words of a program of the image."""
_PLACES: Final = (
    *("usr/sbin", "usr/local/samba/sbin", "usr/local/sbin", "usr/bin", "sbin", "bin", "usr/local/bin"),
    *("opt/samba/sbin", "usr/lib/samba", "usr/libexec/samba"),
)
"""Where smbd is looked for first, in this order."""
_NOT_IN: Final = ("mnt", "dev", "proc", "sys", "tmp", "run")
_DIALECTS: Final = (
    ("SMB3_11", Dialect.SMB3_11),
    ("SMB3_02", Dialect.SMB3_02),
    ("SMB3_00", Dialect.SMB3_00),
    ("SMB2_10", Dialect.SMB2_10),
    ("SMB2_02", Dialect.SMB2_02),
    ("SMB2", Dialect.SMB2_02),
    ("NT1", Dialect.NT1),
)
"""The words of smb.conf(5), server min protocol; before 4.0 "SMB2" was all there was of that."""
_NO_DIALECT: Final = "NO_SUCH_DIALECT"
_MISSING: Final = re.compile(r"^\s*(\S+) => not found|shared libraries: (\S+?):", re.MULTILINE)
_BUILT_IN: Final = re.compile(r"\bvfs_(\w+)")


class CannotServeError(Exception):
    """This Samba cannot be used here; says why, for people."""


class _Samba:
    """The programs of one image."""

    def __init__(self, mounted: Path, state: Path) -> None:
        self.root = mounted
        self.state = state

    def say(self, *words: str) -> Result:
        """Run a program of the image."""
        return run(namespace.in_image(self.root, words), timeout=SECONDS)

    def read(self, ways: Ways, *lines: str) -> tuple[dict[str, str], str]:
        """[global] as testparm reads a smb.conf(5) of these lines, and what it complains of."""
        file = self.state / "asked.conf"
        file.write_text("\n".join(("[global]", *lines, "")))
        file.chmod(0o644)
        said = self.say(*ways.check(Path("/mnt") / file.name))
        return server_internals.sections(said.stdout).get("global", {}), said.stderr


def ask(root: Path, folder: Path, package: str = "") -> Asked:
    """Ask, and leave the ``Ways`` in ``root``. Raises CannotServeError, LabFault.

    ``folder`` is empty; images are mounted in it until the lab ends. ``package``: what smbd is of, "samba
    VERSION", where whoever made the root file system knows it.
    """
    state = folder / "asked"
    state.mkdir()
    samba = _Samba(Roots(folder / "asking", state, {_IMAGE: root}).root(_IMAGE), state)
    ways, version = _ways(samba)
    highest, laxer = _dialects(samba, ways) if ways.testparm else (None, {})
    if package:
        ways = ways.model_copy(update={"packages_read": True})
    package = package or dpkg.package_of_smbd(root, ways.smbd, version)
    _note(root, ways)
    # The lab mounts it anew, and finds the ways in it.
    executable = _serve(root, folder / "lab", version)
    if executable != ways.smbd:
        ways = ways.model_copy(update={"executable": executable})
        _note(root, ways)
    return Asked(
        version=version,
        release=release(root),
        package=package,
        highest=highest,
        laxer=laxer,
        remarks=tuple(_remarks(ways, package)),
    )


def _note(root: Path, ways: Ways) -> None:
    file = root / samba_ways.FILE
    file.unlink(missing_ok=True)
    file.write_text(ways.model_dump_json(indent=1) + "\n")
    file.chmod(0o644)


def _ways(samba: _Samba) -> tuple[Ways, str]:
    smbd = _find(samba.root, "smbd")
    if not smbd:
        raise CannotServeError(_no_smbd(samba.root))
    said = samba.say(smbd, "-V")
    version = version_in(said.stdout) or version_in(said.stderr) if said.ok else ""
    if not version:
        raise CannotServeError(_why(samba, smbd, said))
    told = samba.say(smbd, "--help")
    helped = told.stdout + told.stderr
    built = samba.say(smbd, "-b")
    if not _has(helped, "-F", "--foreground"):
        raise CannotServeError(f"smbd {version} cannot stay in the foreground: its --help has no -F")
    ways = Ways(
        smbd=smbd,
        options=("-F", *(["--no-process-group"] if _has(helped, "--no-process-group") else [])),
        own_session=not _has(helped, "--no-process-group"),
        log_option=next((one for one in ("-l",) if _has(helped, one, "--log-basename")), ""),
        testparm=_find(samba.root, "testparm", PurePosixPath(smbd).parent),
        smbcontrol=_find(samba.root, "smbcontrol", PurePosixPath(smbd).parent),
        asked=True,
        packages_read=dpkg.is_there(samba.root),
        modules=_modules(samba.root, built.stdout) if built.ok else None,
    )
    return _with_testparm(samba, ways), version


def _with_testparm(samba: _Samba, ways: Ways) -> Ways:
    """What testparm takes and knows; without it where it cannot be asked."""
    if not ways.testparm:
        return ways
    for options in (("-sv", "--suppress-prompt"), ("-sv",), ("-s", "-v"), ("-s",)):
        tried = ways.model_copy(update={"testparm_options": options})
        known, _ = samba.read(tried)
        if known:
            break
    else:
        return ways.model_copy(update={"testparm": ""})
    names = tuple(sorted(map(parameter_key, known)))
    # With -v it shows everything; without, what differs from its defaults, which says nothing of the rest.
    tried = tried.model_copy(
        update={"parameters": names if "workgroup" in names and len(names) > 50 else None}
    )
    audited, complaint = samba.read(tried, "log level = 1 auth_audit:3")
    return tried.model_copy(
        update={"audits": bool(audited) and not re.search("nrecognized|nknown", complaint)}
    )


def _dialects(samba: _Samba, ways: Ways) -> tuple[Dialect | None, Mapping[str, str]]:
    """The newest dialect that it knows, and what lets in what it refuses by default: as testparm reads it."""
    plain, _ = samba.read(ways)
    name = next((one for one in ("server min protocol", "min protocol") if one in plain), "")
    if not name:
        return None, {}
    # A word that it does not know is its default again.
    default = samba.read(ways, f"{name} = {_NO_DIALECT}")[0].get(name, plain[name])
    highest = next(
        (
            dialect
            for word, dialect in _DIALECTS
            if samba.read(ways, f"{name} = {word}")[0].get(name, default) not in ("", default)
            or default.upper() == word
        ),
        None,
    )
    laxer: dict[str, str] = {}
    if default.upper().startswith(("SMB2", "SMB3")) and _reads(samba, ways, name, "NT1"):
        laxer[name] = "NT1"
    if plain.get("ntlm auth", "yes").lower() in ("no", "false", "ntlmv2-only", "mschapv2-and-ntlmv2-only"):
        word = next((one for one in ("ntlmv1-permitted", "yes") if _reads(samba, ways, "ntlm auth", one)), "")
        laxer |= {"ntlm auth": word} if word else {}
    return highest, laxer


def _reads(samba: _Samba, ways: Ways, name: str, value: str) -> bool:
    return samba.read(ways, f"{name} = {value}")[0].get(name, "").lower() == value.lower()


def _serve(root: Path, folder: Path, version: str) -> str:
    """Start it, list its share by the lab's own client, stop it; what program ran.

    Raises CannotServeError.
    """
    server = Server("image", f"Samba {version}", _IMAGE, Conf())
    lab = LocalLab(folder, {_IMAGE: root})
    mounted = str(lab.root(_IMAGE))
    try:
        with lab.serve(server) as live:
            live.prove(serves=True)
            runs = str(Path(f"/proc/{live.software().pid}/exe").readlink())
    except LabFault as fault:
        why = f"{fault.message}: {fault.hint}" if fault.hint else fault.message
        # Its log lies in a folder that is gone when this is read.
        plain = re.sub(r" \(/[^ ()]*log\.smbd\)|; its log is \S+", "", why)
        raise CannotServeError(
            f"smbd {version} was started in the lab, and does not serve: {plain}"
        ) from fault
    return runs.removeprefix(mounted) or runs


def _has(helped: str, *options: str) -> bool:
    """Whether one of these options is in the text of --help."""
    return any(re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", helped) for one in options)


def _find(root: Path, name: str, beside: PurePosixPath | None = None) -> str:
    """The path of a program in an image; "" where there is none. ``beside``: the folder of its smbd."""
    places = [str(beside), str(beside.parent / "bin")] if beside else []
    for place in (*places, *_PLACES, "usr/local/samba/bin", "opt/samba/bin"):
        found = within(root, f"{place}/{name}")
        if found.is_file() and os.access(found, os.X_OK):
            return f"/{place.lstrip('/')}/{name}"
    for path in _all(root, name):
        return path
    return ""


def _all(root: Path, name: str) -> Iterable[str]:
    """Every program of that name outside of the folders that the lab mounts over."""
    for folder, folders, files in os.walk(root):
        if Path(folder) == root:
            folders[:] = sorted(set(folders) - set(_NOT_IN))
        path = Path(folder, name)
        if name in files and not path.is_symlink() and os.access(path, os.X_OK):
            yield f"/{path.relative_to(root)}"


def _no_smbd(root: Path) -> str:
    inner = [one.parent for one in root.glob("*/usr") if one.is_dir()]
    if inner and not (root / "usr").exists():
        return (
            f"there is no smbd in it: its root file system is in the folder {inner[0].name}/ of the archive"
        )
    return "there is no smbd in it"


def _why(samba: _Samba, smbd: str, said: Result) -> str:
    """Why an smbd does not say its version."""
    if plain := hindrance(samba.root, smbd):
        return plain
    words = (said.stderr.strip() or said.stdout.strip()).splitlines()
    missing = [first or second for first, second in _MISSING.findall(said.stderr)]
    found = elf(within(samba.root, smbd))
    if missing and found and found.loader:
        # The loader lists all that is missing, where the program's own complaint is about the first.
        listed = samba.say(found.loader, "--list", smbd)
        more = [first or second for first, second in _MISSING.findall(listed.stdout)]
        return f"{smbd} lacks libraries that are not in it: {', '.join(dict.fromkeys(more or missing))}"
    if said.status is None:
        return f"{smbd} -V does not end within {SECONDS:g} s"
    last = f": {words[-1]}" if words else ""
    if said.ok:
        return f"{smbd} -V names no version{last}"
    return f"{smbd} does not run on this kernel and processor: {ended.how(said.status)}{last}"


def _modules(root: Path, build: str) -> tuple[str, ...] | None:
    """The VFS modules, by ``smbd -b``: built in, and in its folder of modules; None where it does not say."""
    where = re.search(r"^\s*MODULESDIR:\s*(/\S+)", build, re.MULTILINE)
    built = re.search(r"^Builtin modules:(.*)", build, re.MULTILINE | re.DOTALL)
    if where is None or built is None:
        return None
    beside = {path.stem for path in within(root, f"{where[1]}/vfs").glob("*.so")}
    return tuple(sorted(beside | set(_BUILT_IN.findall(built[1]))))


def _remarks(ways: Ways, package: str) -> Iterable[str]:
    if not ways.testparm:
        yield "no testparm that could be asked: its configuration is not known, nor which settings it ignores"
    elif ways.parameters is None:
        yield "testparm does not show defaults: which parameters it knows could not be asked"
    if not ways.smbcontrol:
        yield "no smbcontrol: it reads its configuration again by SIGHUP"
    if "--no-process-group" not in ways.options:
        yield "smbd knows no --no-process-group"
    if not ways.packages_read:
        yield "no database of packages that can be read here: exposures that packages decide are unknown"
    elif not package:
        yield "its smbd is of no package: exposures that packages decide are unknown"


def main(words: Sequence[str]) -> int:
    """See above. The exit status is 0 also where it is refused, and 2 where the lab broke."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, most))
    try:
        asked = ask(Path(words[0]), Path(words[1]), *words[2:3])
    except CannotServeError as refused:
        asked = Asked(refused=clean(str(refused))[:_LONGEST])
    except MemoryError:
        asked = Asked(refused="one of its programs prints without end")
    except OSError as error:
        # A circle of links, a folder that nobody may open.
        asked = Asked(refused=clean(f"it cannot be read: {error.strerror}: {error.filename}")[:_LONGEST])
    except LabFault as fault:
        sys.stderr.write(f"{fault}\n")
        return fault.exit_status
    sys.stdout.write(f"{asked.model_dump_json()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
