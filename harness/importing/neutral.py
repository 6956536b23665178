"""What of a configuration may stand in the lab's smb.conf, and what is done instead of the rest.

Nothing gets through but what ``servers.allowed`` has on its list; here is what can be had in another way.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from harness.errors import UsageError
from harness.importing import people
from harness.importing.no_samba import placeholder
from harness.importing.sections import GLOBAL, Section, Sections, subject
from harness.importing.source import Setting, shown
from harness.servers import left_out
from harness.servers.allowed import is_module, is_typed, known, refusal, spelled, words
from harness.servers.base import Conf, parameter_key
from harness.servers.brought import Instead
from harness.servers.parameters import NO
from harness.servers.roles import HOMES

LAB: Final = ipaddress.IPv4Network("127.0.0.0/8")
"""Where the lab's clients come from."""
MOST_SHARES: Final = 1000
_SHARE_OF_THE_LAB: Final = "share"
_DC = re.compile(r"active ?directory domain controller|domain controller|dc", re.IGNORECASE)
_MAY_BE_OPEN: Final = frozenset(
    {
        "comment",
        "dos charset",
        "netbios aliases",
        "netbios name",
        "server string",
        "unix charset",
        "volume",
        "workgroup",
    }
)
"""What a template may leave to be filled in without its changing what clients can do."""
_NO_PATH_NEEDED: Final = frozenset({"homes", "printers"})


@dataclass(slots=True)
class Neutral:
    """A configuration for the lab, made of one that was read."""

    found: Sections
    modules: frozenset[str]
    """The VFS modules that the release has."""
    operations: frozenset[str] | None = None
    """What its vfs_full_audit(8) can be asked to tell of."""
    instead: list[Instead] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    doubtful: dict[str, dict[str, str]] = field(default_factory=dict)
    """Section -> numbers, truth values and words that look like none: Samba may load no such file."""
    paths: dict[str, str] = field(default_factory=dict)
    """Share -> its folder on the user's server, where that is said."""

    def conf(self) -> Conf:
        """Raises UsageError for a domain controller, and for a template whose open places decide."""
        common = self._settings(self.found.common)
        if self._shared_by_password():
            common.setdefault("map to guest", "Bad User")
        shares: dict[str, dict[str, str]] = {}
        for section in self.found.shares.values():
            name = self._share_name(section, shares)
            if name:
                shares[name] = self._settings(section, name)
                self._look_at_path(section, name)
        if not shares:
            self._note(
                GLOBAL, "(shares)", "", "there is none: a share of the lab's own stands in for those to come"
            )
            shares[_SHARE_OF_THE_LAB] = {"read only": "no"}
        if len(shares) > MOST_SHARES:
            raise UsageError(f"there are {len(shares)} shares: the lab takes {MOST_SHARES} at most")
        return Conf(
            MappingProxyType(common),
            sections=MappingProxyType({name: MappingProxyType(own) for name, own in shares.items()}),
        )

    def _share_name(self, section: Section, taken: dict[str, dict[str, str]]) -> str:
        name = section.name.strip()
        if open_ := placeholder(name):
            raise UsageError(
                f"[{shown(name)}] is a template's: {open_} is to be filled in first",
                "give the file that is made of it",
            )
        why = ""
        valid = section.settings.get("-valid")
        if valid is not None and (valid.value or "").lower() in NO:
            why = "is left out, as Samba does: the section says that it is not valid"
        elif re.search(r"[]/\\]", name) or shown(name) != name or len(name) > 80 or not name:
            why = "is left out: no client opens a share of such a name"
        elif name.casefold() in (one.casefold() for one in taken):
            why = "is left out: another share has that name but for blanks or the case of letters"
        elif self._prints(section) and not re.fullmatch(r"[\w .$-]*", name):
            why = "is left out: a printer's name gets into commands, and this one has signs of the shell"
        if why:
            self._note(name, "(section)", "", why)
        return "" if why else name

    def _prints(self, section: Section) -> bool:
        said = section.settings.get("printable") or self.found.common.settings.get("printable")
        return said is not None and (said.value or "").lower() not in NO

    def _settings(self, section: Section, name: str = GLOBAL) -> dict[str, str]:
        made: dict[str, str] = {}
        for setting in section.settings.values():
            for parameter, value in self._judged(setting, name):
                made[parameter] = value
        return made

    def _judged(self, setting: Setting, section: str) -> Iterator[tuple[str, str]]:
        """The parameter and its value as they may stand in the lab's smb.conf; nothing where they may not."""
        value = setting.value or ""
        parameter = " ".join(setting.name.split()) if setting.name.isascii() else setting.name
        kept, done = self._kept(setting, parameter, value)
        if section == GLOBAL and subject(parameter) == "configfile":
            done = _other_file(setting) or done
        if done:
            self._note(section, parameter, value, done)
        if done == left_out.STRANGE and is_typed(parameter) and shown(value) == value.rstrip("\\"):
            self.doubtful.setdefault(section, {})[spelled(parameter)] = value
        if kept is not None:
            # Whatever was made of it above, nothing that is not allowed gets by here.
            if why := refusal(parameter, kept):
                self._note(section, parameter, value, why)
            else:
                yield spelled(parameter), kept

    def _kept(self, setting: Setting, parameter: str, value: str) -> tuple[str | None, str]:
        """What stays of a value, None for nothing; and what was done instead, "" for nothing."""
        about = subject(parameter)
        if not parameter.isascii():
            return None, _no_ascii(parameter)
        if about in ("path", "directory", "-valid"):
            return None, ""
        if open_ := placeholder(value):
            if known(parameter) and spelled(parameter) not in _MAY_BE_OPEN:
                raise UsageError(
                    f"{setting.place}: {parameter} = {shown(value)}: {open_} is a template's, to fill in",
                    "give the file that is made of it",
                )
            return None, f"is left out: {open_} is to be filled in first"
        if about == "serverrole" and _DC.fullmatch(value.strip()):
            raise UsageError(
                f"{setting.place}: server role = {value}: a domain controller of Active Directory is not "
                "brought along: the lab's domain is its own",
                "rehearse the configuration of a file server that is a member of it; or the lab's domain: "
                "docs/domain.md",
            )
        if about == "configbackend" and value.strip().lower() == "registry":
            raise UsageError(
                f"{setting.place}: {parameter} = {value}: Samba has its configuration in the registry, and "
                "reads nothing else of this file",
                "give what this prints on your server: net conf list",
            )
        if about == "security" and value.strip().lower() == "share":
            return None, _SHARE_LEVEL
        if about in ("hostsallow", "hostsdeny"):
            return _hosts(value, allow=about == "hostsallow")
        if about == "vfsobjects":
            return self._modules(value)
        if about in ("full_audit:success", "full_audit:failure") and self.operations is not None:
            value, done = _operations(value, self.operations)
            why = refusal(parameter, value)
            return (None, why) if why else (value, done)
        if spelled(parameter) in (*people.LISTS, *people.SINGLE):
            return self._people(parameter, value)
        why = refusal(parameter, value)
        return (None, why) if why else (value, "")

    def _modules(self, value: str) -> tuple[str | None, str]:
        named = words(value)
        there = [word for word in named if is_module(word) and word.partition(":")[0] in self.modules]
        gone = [word for word in named if word not in there]
        done = ""
        if strange := [word for word in gone if not is_module(word)]:
            done = f"{', '.join(map(shown, strange))} {left_out.MODULES}: the share is served without"
        elif gone:
            done = f"{', '.join(gone)} is not in the lab's packages of that release: it is served without"
        kept = " ".join(there)
        return (None, done) if refusal("vfs objects", kept) else (kept, done)

    def _people(self, parameter: str, value: str) -> tuple[str | None, str]:
        winbind = self.found.common.settings.get("winbindseparator")
        kept = people.plain(value, (winbind.value or "") if winbind else "")
        done = "" if kept == value else f"is {kept}: accounts and groups are the lab's own, without a domain"
        if not refusal(parameter, kept):
            return kept, done
        fit = [word for word in words(kept) if not refusal(parameter, word)]
        if not fit and spelled(parameter) != "valid users":
            return None, refusal(parameter, kept)
        # An empty list would let everybody in.
        kept = ", ".join(f'"{word}"' if " " in word else word for word in fit or [people.SOMEBODY])
        return kept, f"is {kept}: the others are no names that a user or a group could have"

    def _shared_by_password(self) -> bool:
        said = self.found.common.settings.get("security")
        return said is not None and (said.value or "").strip().lower() == "share"

    def _look_at_path(self, section: Section, name: str) -> None:
        said = section.settings.get("path") or section.settings.get("directory")
        said = said or self.found.common.settings.get("path") or self.found.common.settings.get("directory")
        value = "" if said is None else said.value or ""
        if value:
            self.paths[name] = value
        if not value and name.lower() not in _NO_PATH_NEEDED:
            why = "there is none, so that Samba would not serve the share; it has a folder in the lab"
            self._note(name, "path", value, why)
        elif "%" in value and name.lower() != HOMES:
            self._note(name, "path", value, "is one folder of the lab's own, the same for all who connect")

    def _note(self, section: str, parameter: str, value: str, done: str) -> None:
        self.instead.append(Instead(shown(section), shown(parameter), shown(value), done))


_SHARE_LEVEL: Final = (
    "is replaced by security = user with map to guest = Bad User: Samba has had no passwords of shares since "
    "4.0, and whoever comes without an account is a guest"
)


def _other_file(setting: Setting) -> str:
    """What is done instead of "config file". Raises UsageError where that is what Samba reads."""
    value = (setting.value or "").strip()
    if "%" in value:
        return "is not followed: which file Samba reads instead of this one depends on who connects"
    if value:
        raise UsageError(
            f"{setting.place}: config file = {shown(value)}: Samba reads that file, and this one no more",
            "give that file; or this one without the line, where that file is not there",
        )
    return ""


def _no_ascii(parameter: str) -> str:
    if parameter_key(parameter).isascii():
        return "is left out, as Samba does: a blank in its name is none that Samba knows (a full-width one?)"
    return left_out.UNKNOWN


def _operations(value: str, known_ones: frozenset[str]) -> tuple[str, str]:
    gone = [word for word in words(value) if word.lstrip("!") not in {*known_ones, "all", "none"}]
    if not gone:
        return value, ""
    rest = " ".join(word for word in words(value) if word not in gone) or "none"
    return rest, (
        f"is taken without {shown(', '.join(gone))}, which that release does not know: newer ones let "
        "nobody in for such a word"
    )


def _hosts(value: str, *, allow: bool) -> tuple[str | None, str]:
    """A list of hosts with the lab's among those inside."""
    kept = [word for word in words(value) if not refusal("hosts allow", word)]
    names = [word for word in words(value) if refusal("hosts allow", word)]
    done = (
        [f"without {', '.join(map(shown, names))}, which is no address: nobody is asked for one"]
        if names
        else []
    )
    before, after = _split(kept)
    if not allow and (own := [word for word in before if word.startswith("127.")]):
        why = f"{', '.join(own)}, which is the server itself, and in the lab everybody"
        before = [word for word in before if word not in own]
        if not before:
            return None, f"is left out: it names {why}"
        done.append(f"without {why}")
    if allow and (names or kept) and not any(map(_is_lab, before)):
        before = [str(LAB), *before]
        done.append("with the lab's own addresses, which stand for those that are let in")
    if not allow and any(map(_is_lab, before)) and after and not any(map(_is_lab, after)):
        after = [str(LAB), *after]
        done.append("without the lab's own addresses, which stand for those that are let in")
    if not done and not refusal("hosts allow", value):
        return value, ""
    return " ".join([*before, *(["EXCEPT", *after] if after else [])]), "; ".join(
        f"is taken {one}" for one in done
    )


def _split(listed: list[str]) -> tuple[list[str], list[str]]:
    at = next((number for number, word in enumerate(listed) if word.upper() == "EXCEPT"), len(listed))
    return listed[:at], listed[at + 1 :]


def _is_lab(word: str) -> bool:
    """Whether a word of "hosts allow" names the lab; it may be the beginning of an address, too."""
    if word.upper() == "ALL" or word == "127.":
        return True
    address, _, mask = word.partition("/")
    try:
        return LAB.subnet_of(ipaddress.IPv4Network(f"{address}/{mask or 32}", strict=False))
    except ValueError:
        return False
