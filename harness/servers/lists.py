"""What smb.conf(5) says of a share: parameters by any of their names, truth values, lists of names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from harness.servers.allowed import spelled, words
from harness.servers.base import Conf
from harness.servers.parameters import YES

_MARKS: Final = "@+&"
"""Before a name that is a group's."""
# Asked of every share and account anew, of which there may be hundreds.
_spelled = lru_cache(1024)(spelled)


@dataclass(frozen=True, slots=True)
class Named:
    """One of a list of names."""

    name: str
    group: bool = False


@lru_cache(1024)
def listed(value: str) -> tuple[Named, ...]:
    """The users and groups of a list as of "valid users"."""
    found = [Named(word.lstrip(_MARKS), word[:1] in _MARKS) for word in words(value) if word]
    return tuple(one for one in found if one.name)


def one_group(value: str) -> str:
    """The group of "force group": one name, which may have blanks; a mark before it is for those in it."""
    return value.replace('"', "").strip().lstrip(_MARKS)


def said(conf: Conf, section: str, *parameters: str) -> tuple[str, str]:
    """What a share has for a parameter, in its section or else in [global]: its name and value, or ("", "").

    ``parameters``: by the names of ``allowed.spelled``. Where several stand there smb.conf(5) takes the last.
    """
    for settings in (conf.sections.get(section, {}), conf.globals):
        for name, value in reversed([*settings.items()]):
            if (known := _spelled(name)) in parameters:
                return known, value.strip()
    return "", ""


def holds(conf: Conf, section: str, parameter: str, *, default: bool = False) -> bool:
    """A truth value of a share: yes, true, on and 1 in any case of letters (smb.conf(5))."""
    name, value = said(conf, section, parameter)
    return value.lower() in YES if name else default


def read_only(conf: Conf, section: str) -> bool:
    """Whether people write into a share by its "write list" alone; so they do where nothing is said."""
    name, value = said(conf, section, "read only", "writeable")
    return not name or (value.lower() in YES) is (name == "read only")


def on_disk(conf: Conf, section: str) -> bool:
    """Whether a section is a share with files of this server: no printer, and no pipe."""
    return (
        section.casefold() not in ("printers", "print$", "ipc$")
        and not holds(conf, section, "printable")
        and available(conf, section)
    )


def available(conf: Conf, section: str) -> bool:
    """Whether a share is there for clients at all (smb.conf(5), available)."""
    return holds(conf, section, "available", default=True)


def printer(conf: Conf) -> str:
    """The first section that is a printer of its own; "" for none."""
    named = (section for section in conf.sections if section.casefold() not in ("printers", "print$"))
    return next((section for section in named if holds(conf, section, "printable")), "")


def acl_modules(conf: Conf, section: str) -> list[str]:
    """The VFS modules of a share that keep its access control lists, without their tags."""
    modules = (word.partition(":")[0] for word in words(said(conf, section, "vfs objects")[1]))
    return [module for module in modules if module in ("acl_xattr", "acl_tdb")]
