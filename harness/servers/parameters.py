"""Names of parameters of smb.conf(5): which spellings are one name, and which names are one parameter.

That two names are one parameter is measured, not read: a test gives each of them to the testparm of the
releases in the lab, which tells it under the name beside it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


def parameter_key(name: str) -> str:
    """What Samba knows a parameter of smb.conf(5) by: neither blanks nor the case of letters count."""
    return "".join(name.lower().split())


def section_key(name: str) -> str:
    """What [name] finds a share by: neither case nor the number of blanks counts."""
    return " ".join(name.lower().split())


SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "allow hosts": "hosts allow",
        "bind dns directory": "binddns dir",
        "browsable": "browseable",
        "casesignames": "case sensitive",
        "create mode": "create mask",
        "debug level": "log level",
        "debug timestamp": "timestamp logs",
        "debuglevel": "log level",
        "default": "default service",
        "deny hosts": "hosts deny",
        "directory": "path",
        "directory mode": "directory mask",
        "exec": "preexec",
        "group": "force group",
        "ldap password sync": "ldap passwd sync",
        "lock dir": "lock directory",
        "max protocol": "server max protocol",
        "min protocol": "server min protocol",
        "only guest": "guest only",
        "prefered master": "preferred master",
        "preload": "auto services",
        "print ok": "printable",
        "printcap": "printcap name",
        "printer": "printer name",
        "private directory": "private dir",
        "protocol": "server max protocol",
        "public": "guest ok",
        "root": "root directory",
        "root dir": "root directory",
        "server smb encrypt": "smb encrypt",
        "server smb transports": "smb ports",
        "smb1 unix extensions": "unix extensions",
        "socket address": "nbt client socket address",
        "tls ca file": "tls cafile",
        "vfs object": "vfs objects",
        "winbind gid": "idmap gid",
        "winbind uid": "idmap uid",
        "writable": "writeable",
        "write ok": "writeable",
    }
)
"""Another name -> the name that it stands for. Of names that a release changed it is the older one."""
OPPOSITES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "enable spoolss": "disable spoolss",
        "writeable": "read only",
    }
)
"""Parameters that say the contrary of another one, which they set: yes for no."""
WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "ntlm auth": {"no": "ntlmv2-only", "yes": "ntlmv1-permitted"},
        "server signing": dict.fromkeys(("required", "force", "forced", "enforced"), "mandatory"),
        "smb encrypt": dict.fromkeys(("mandatory", "force", "forced", "enforced"), "required"),
        "server min protocol": {"smb2": "smb2_10"},
        "server max protocol": {"smb2": "smb2_10"},
    }
)
"""Words of a parameter's value that say the same: another word -> the word it stands for. Measured, too."""
_SYNONYMS = {parameter_key(name): parameter_key(main) for name, main in SYNONYMS.items()}
_OPPOSITES = {parameter_key(name): parameter_key(main) for name, main in OPPOSITES.items()}
_ALIKE = {parameter_key(name): words for name, words in WORDS.items()}
YES: Final = ("yes", "true", "on", "1")
NO: Final = ("no", "false", "off", "0")
"""The truth values of smb.conf(5), in small letters."""
_TRUTH = {**dict.fromkeys(YES, "yes"), **dict.fromkeys(NO, "no")}


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a line of smb.conf(5) says, whichever name of the parameter it uses."""

    key: str
    """The parameter, as ``meant`` has it."""
    value: str
    """Without outer blanks; of truth values yes or no, and the contrary where the name says the contrary."""


def meant(name: str) -> str:
    """The parameter that a name stands for: the same for every spelling, synonym and opposite of it."""
    main = _main(name)
    return _OPPOSITES.get(main, main)


def _main(name: str) -> str:
    key = parameter_key(name)
    return _SYNONYMS.get(key, key)


def spoken(name: str, value: str) -> Spoken:
    """What ``name = value`` says. The words of a truth value are one, as smb.conf(5) has them."""
    said = value.strip()
    truth = _TRUTH.get(said.lower(), "")
    if _main(name) in _OPPOSITES and truth:
        truth = "no" if truth == "yes" else "yes"
    word = truth or said.lower()
    return Spoken(meant(name), _ALIKE.get(meant(name), {}).get(word, word))


def said(settings: Mapping[str, str], name: str) -> Spoken | None:
    """What settings say of a parameter, by whichever of its names; None where they do not say anything.

    The last of several counts, as for smbd.
    """
    found = [spoken(one, value) for one, value in settings.items() if meant(one) == meant(name)]
    return found[-1] if found else None


def without(settings: Mapping[str, str], name: str) -> dict[str, str]:
    """Settings without a parameter, by whichever of its names."""
    return {one: value for one, value in settings.items() if meant(one) != meant(name)}


def with_one(settings: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """Settings with one set: in the place of what any name of that parameter said, or at the end."""
    made: dict[str, str] = {}
    for one, other in {**settings, name: value}.items():
        if meant(one) != meant(name):
            made[one] = other
        else:
            made.setdefault(name, value)
    return made


def with_all(settings: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Settings with others over them, each in the place of what another name of its parameter said."""
    made = dict(settings)
    for name, value in more.items():
        made = with_one(made, name, value)
    return made
