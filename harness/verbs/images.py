"""``rehearse images``: the Samba of somebody's own server as an image, and as a server of the lab."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from harness.catalogue import Catalogue, Origin
from harness.errors import UsageError
from harness.labs.images import own
from harness.report.listing import Section, Sheet
from harness.report.page import console_for
from harness.report.progress import Progress
from harness.servers.added_image import PATTERN, AddedImage, server_name
from harness.servers.base import HOST
from harness.system.client_image import CLIENTS
from harness.system.image import Image
from harness.system.plain import say
from harness.system.registry import lookup
from harness.verbs import facts, lists

_HELP: Final = "See: rehearse images --help"
_OF_SUITES: Final = ("mirror", "keyring", "component", "packages", "apt_option")
_PACKAGES: Final = "samba,base-files"
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_/-]*")
_OPTION: Final = re.compile(r"[a-z][a-z-]*\+?-?=[A-Za-z0-9.,+_/:-]+")
"""Of sources.list(5), which a blank or a bracket would end."""
_URL: Final = re.compile(r"(?:https?|file|copy)://?[^\s\[\]]+")


def images_(options: argparse.Namespace) -> int:
    """Add, list or remove images."""
    operations: dict[str, Callable[[argparse.Namespace], int]] = {
        "add": _add,
        "list": _list,
        "remove": _remove,
    }
    return operations[options.operation](options)


def _list(options: argparse.Namespace) -> int:
    lists.show_list(facts.of_kind(options.catalogue, "images", Path()), lists.COLUMNS, json=options.json)
    return 0


def _add(options: argparse.Namespace) -> int:
    catalogue: Catalogue = options.catalogue
    name: str = options.name
    _check_name(catalogue, name)
    if options.patched:
        _check_patched(catalogue, options.patched, name)
    origin = _tar(options) if options.tar else _suite(options)
    with Progress(console_for(sys.stderr), quiet=options.quiet) as progress:
        added = own.add(name, origin, options.patched, progress.image)
    if options.json:
        print(added.model_dump_json(indent=2))
    else:
        _sheet(added).render(console_for(sys.stdout))
        say(f"rehearse it: rehearse run 'smb3-only:{server_name(name)}:*:open'")
    return 0


def _check_name(catalogue: Catalogue, name: str) -> None:
    """Raises UsageError for a name that cannot be one, or that other things have."""
    if not re.fullmatch(PATTERN, name):
        raise UsageError(
            f"{name!r} cannot be an image's name", "small letters, digits, dots and hyphens, 40 at most"
        )
    if name in catalogue.images and catalogue.origin("image", name) is Origin.YOURS:
        raise UsageError(f"you have an image called {name} already", f"rehearse images remove {name}")
    mine = server_name(name)
    if name == HOST or name in catalogue.images:
        raise UsageError(f"there is another image called {name!r}", "choose another name")
    for server in (mine, f"{mine}-smb1"):
        if server in catalogue.servers:
            raise UsageError(f"there is a server called {server!r} already", "choose another name")


def _check_patched(catalogue: Catalogue, patched: str, name: str) -> None:
    known = {one: image for one, image in catalogue.images.items() if one != CLIENTS.name}
    if patched == name:
        raise UsageError("an image is not its own patch", "add the patched one under another name first")
    lookup("image", patched, known, "rehearse images list")


def _tar(options: argparse.Namespace) -> own.Tar:
    for word in _OF_SUITES:
        if getattr(options, word):
            raise UsageError(f"--{word.replace('_', '-')} is for --suite, and this is a --tar", _HELP)
    return own.Tar(options.tar)


def _suite(options: argparse.Namespace) -> own.Suite:
    if not options.mirror or not options.keyring:
        raise UsageError("--suite needs --mirror URL and --keyring FILE", _HELP)
    keyring: Path = options.keyring.absolute()
    if not keyring.is_file():
        raise UsageError(f"{options.keyring}: there is no such file", "name the keyring of that archive")
    if not _URL.fullmatch(options.mirror):
        raise UsageError(f"{options.mirror!r} is no address of an archive", "http:, https:, file: or copy:")
    components = options.component or ["main"]
    packages = tuple((options.packages or _PACKAGES).split(","))
    for word in (options.suite, *components, *packages):
        if not _WORD.fullmatch(word):
            raise UsageError(f"{word!r} is no name of an apt archive", _HELP)
    if re.search(r"[\s\[\]]", str(keyring)):
        raise UsageError(f"{keyring}: sources.list(5) takes no blanks or brackets", "copy it elsewhere")
    chosen = options.apt_option or []
    for option in chosen:
        if not _OPTION.fullmatch(option):
            raise UsageError(f"{option!r} is no option of sources.list(5)", "write: --apt-option NAME=VALUE")
    described = " ".join(("check-valid-until=no", *chosen))
    line = f"deb [signed-by={keyring} {described}] {options.mirror} {options.suite} {' '.join(components)}"
    wanted = Image(options.name, options.suite, security=False, title="", packages=packages, archive=(line,))
    return own.Suite(wanted, f"the suite {options.suite} of {options.mirror}")


def _sheet(added: AddedImage) -> Sheet:
    name = server_name(added.name)
    servers = f"{name}, {name}-smb1" if added.laxer else name
    rows = [
        ("servers", servers),
        ("samba", added.version),
        ("release", added.release or "not known: no os-release(5)"),
        ("package", added.package or "not known"),
        ("newest dialect", added.highest.in_words if added.highest else "not known"),
        ("vendor-patch", added.patched or "none named (--patched)"),
        *(("note", remark) for remark in added.remarks),
    ]
    return Sheet(f"image {added.name}", (Section("", tuple(rows)),))


def _remove(options: argparse.Namespace) -> int:
    catalogue: Catalogue = options.catalogue
    mine = dict.fromkeys(own.names())
    for name in options.names:
        if name in catalogue.images and name not in mine:
            raise UsageError(f"{name} is no image of yours", "the lab's go by: rehearse clean --images")
        lookup("image of yours", name, mine, "rehearse images list")
    for name in options.names:
        users = [
            f"{other.name}"
            for other in catalogue.servers.values()
            if name in other.upgrades.values() and other.image not in options.names
        ]
        if users:
            raise UsageError(
                f"{name} is the vendor's patch of {', '.join(users)}", "remove that image, too, or first"
            )
    for name in options.names:
        own.remove(name)
        say(f"removed image {name}", sys.stdout)
    return 0
