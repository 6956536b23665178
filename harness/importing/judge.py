"""The parser's judge: testparm of the release that a configuration is rehearsed with, inside the lab.

It gets a configuration only when nothing but what is allowed is left in it, in the image of that release,
with nothing of the user's machine in sight.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.errors import UsageError
from harness.labs.home import Home
from harness.labs.roots.mounted import Roots
from harness.labs.samba_internals import modules, testparm, version
from harness.labs.unheeded import ConfCheck
from harness.servers import parameters
from harness.servers.base import Conf

EVERY = "share"
"""The section of a line for every share: see ``harness.mitigations.inline``."""
_LOADED = "Loaded services file OK"
_OF_THE_LAB = re.compile(
    r"Load smb config files|Loaded services|Weak crypto|directory \S+ does not exist|Server role:|rlimit_max"
    r"|Processing section|No path in service|is flagged unavailable|Error loading services"
)
"""What testparm says of the lab, or in any case."""


class Judge(Protocol):
    """A release of Samba that can be asked."""

    @property
    def image(self) -> str:
        """The image that it is in."""

    @property
    def title(self) -> str:
        """What people call it."""

    @property
    def modules(self) -> frozenset[str]:
        """The VFS modules that it has."""

    @property
    def operations(self) -> frozenset[str] | None:
        """What its vfs_full_audit(8) can be asked to tell of; None where that is not known."""

    def ask(self, text: str) -> ConfCheck:
        """What its ``testparm -sv`` says to a smb.conf(5). Raises LabFault when it does not answer."""


@dataclass(frozen=True, slots=True)
class ImageJudge:
    """The Samba of an image of the lab."""

    image: str
    root: Path
    """Where the image is mounted."""
    home: Home
    """Where its smb.conf is written."""

    @property
    def title(self) -> str:
        """What people call it: "Samba 4.17.12-Debian"."""
        return f"Samba {version(self.root)}"

    @property
    def modules(self) -> frozenset[str]:
        """The VFS modules that it has; none where it does not say."""
        return modules(self.root) or frozenset()

    @property
    def operations(self) -> frozenset[str] | None:
        """What its vfs_full_audit(8) can be asked to tell of: names in the module; None where it is not."""
        file = next((self.root / "usr/lib").glob("*/samba/vfs/full_audit.so"), None)
        if file is None:
            return None
        return frozenset(word.decode() for word in re.findall(rb"[a-z_0-9]{3,40}(?=\0)", file.read_bytes()))

    def ask(self, text: str) -> ConfCheck:
        """What its ``testparm -sv`` says to a smb.conf(5). Raises LabFault when it does not answer."""
        return testparm(self.home, self.root, text)


def judge(image: str, images: Mapping[str, Path], folder: Path) -> ImageJudge:
    """The Samba of an image; ``folder`` is new or empty, and the caller's to remove. In the namespace only.

    Raises LabFault when the image cannot be mounted.
    """
    state = folder / "state"
    home = Home("import", state, folder, "", "")
    home.outside.mkdir(parents=True)
    for path in (folder, state, home.outside):
        path.chmod(0o755)
    return ImageJudge(image, Roots(folder / "roots", state, images).root(image), home)


def rendered(conf: Conf) -> str:
    """The smb.conf(5) that a judge is asked of; every share is on the root directory of the image."""
    text = ["[global]", *(f"{name} = {value}" for name, value in conf.globals.items())]
    for section, settings in conf.sections.items():
        text += [f"[{section}]", "path = /", *(f"{name} = {value}" for name, value in settings.items())]
    return "\n".join(text) + "\n"


def heard(conf: Conf, of: Judge, file: str) -> tuple[str, ...]:
    """What testparm says of a configuration, a sentence each.

    Raises UsageError when it does not load it, LabFault when it does not answer.
    """
    said = of.ask(rendered(conf)).stderr
    lines = dict.fromkeys(line.strip() for line in said.splitlines())
    told = [line for line in lines if line and not _OF_THE_LAB.search(line)]
    if _LOADED not in said:
        why = "; ".join(told) or "it does not say why"
        raise UsageError(f"{file}: testparm of {of.title} does not load it: {why[:500]}{_whose(conf, why)}")
    title = of.title if told else ""
    return tuple(f"testparm of {title} says: {line}" for line in told)


@dataclass(frozen=True, slots=True)
class Set:
    """A line that a change sets."""

    section: str
    """In small letters; "" for [global], "share" for every share where none is called so."""
    parameter: str
    value: str


def check_change(conf: Conf, lines: Sequence[Set], of: Judge, file: str) -> None:
    """Raises UsageError when testparm loads a configuration no more once these lines are in it."""
    made, sections = dict(conf.globals), dict(conf.sections)
    for one in lines:
        own = [name for name in sections if parameters.section_key(name) == one.section]
        if not one.section:
            made = parameters.with_one(made, one.parameter, one.value)
        for name in own or (sections if one.section == EVERY else ()):
            sections[name] = parameters.with_one(sections[name], one.parameter, one.value)
    if lines:
        heard(Conf(made, sections=sections), of, f"{file} with the change")


def _whose(conf: Conf, why: str) -> str:
    """Whose value testparm complained about, for it often does not say so."""
    match = re.search(r"set_variable_helper\((.*?)\): value", why)
    if match is None:
        return ""
    places = [("global", conf.globals), *conf.sections.items()]
    found = [
        f"[{section}] {name} = {value}"
        for section, settings in places
        for name, value in settings.items()
        if value == match[1]
    ]
    if not found:
        return ""
    strange = dict.fromkeys(_named(letter) for letter in match[1] if letter.isspace() and letter != " ")
    return f" ({', '.join([*found[:3], *strange])})"


def _named(letter: str) -> str:
    """A blank that looks like one and is none to Samba."""
    return f"with a U+{ord(letter):04X}, {unicodedata.name(letter, 'a control character').lower()}"
