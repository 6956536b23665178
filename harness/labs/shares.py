"""The shares of a configuration that was brought along: their sections of smb.conf(5), and their folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from harness.servers import lists
from harness.servers.allowed import refusal
from harness.servers.base import Conf, parameter_key
from harness.servers.brought import Brought
from harness.servers.roles import HOMES, ids, lab_mode

_SHARES: Final = "shares"
_MODE: Final = 0o777
"""Of a folder whose permissions nobody told: whoever the configuration lets write may."""
_MASKS: Final = {"force create mode": 0o666, "force directory mode": 0o777}
"""Bits that all files and folders get, for all accounts are one system user here (``roles.ONE_USER``)."""
WELCOME: Final = "welcome.txt"


def sections(conf: Conf, inside: Path) -> Iterator[str]:
    """The lines of all shares; ``inside`` is the server's folder as smbd sees it.

    What the lab decides stands last, where smb.conf(5) takes it from. A setting that is not allowed has no
    line, wherever it comes from.
    """
    folders = _folders(conf)
    for name, settings in conf.sections.items():
        if parameter_key(name) in ("global", "globals"):
            continue
        yield f"[{name}]"
        yield from lines(settings)
        if lists.on_disk(conf, name):
            yield from lines(conf.share)
        yield f"path = {inside / folders[name]}"
        for module in lists.acl_modules(conf, name):
            # See ``roles.LISTS_ALONE``.
            yield f"{module}:ignore system acls = yes"
            yield f"{module}:default acl style = everyone"
            if module == "acl_xattr":
                yield "acl_xattr:security_acl_name = user.NTACL"
        for mask, bits in _MASKS.items():
            yield f"{mask} = {_octal(lists.said(conf, name, mask)[1]) | bits:04o}"


def lines(settings: Mapping[str, str]) -> Iterator[str]:
    """The lines of those settings that are allowed."""
    return (f"{name} = {value}" for name, value in settings.items() if not refusal(name, value))


def has_printer(conf: Conf) -> bool:
    """Whether one of the sections is a printer, or all of them."""
    return any(lists.holds(conf, section, "printable") for section in conf.sections)


def make_folders(brought: Brought, conf: Conf, outside: Path) -> list[Path]:
    """Make those folders of the shares that are not there yet; returns what was made. Raises OSError."""
    made = []
    for name, folder in _folders(conf).items():
        mode = lab_mode(name, brought.modes[name]) if name in brought.modes else _MODE
        whose = [one.name for one in brought.accounts] if name.casefold() == HOMES else [""]
        for owner in whose:
            made += make_folder(outside / folder.replace("%S", owner), mode)
    return made


def make_folder(path: Path, mode: int) -> list[Path]:
    """Make the folder of a share, with a file in it; nothing where it is there. Raises OSError."""
    if path.exists():
        return []
    path.mkdir(parents=True)
    (path / WELCOME).write_text("Welcome to the rehearsal.\n")
    path.chmod(mode)
    return [path]


def _folders(conf: Conf) -> dict[str, str]:
    """Section -> its folder below the server's own."""
    named = ids(conf.sections)
    return {
        name: "homes/%S" if name.casefold() == HOMES else f"{_SHARES}/{named[name]}" for name in conf.sections
    }


def _octal(value: str) -> int:
    try:
        return int(value, 8)
    except ValueError:
        return 0
