"""A change written down where it is used: ``set(server signing=mandatory)``, ``unset([share] guest ok)``.

It is one line of smb.conf(5), made on any Samba. Where that line is what a mitigation of ours makes, it is
that mitigation under another name: seen, explained and expected as that one is. Any other is seen in what
differs: in the configuration as the testparm of that release reads it, and on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from harness.errors import UsageError
from harness.grammar import words
from harness.mitigations import _read, ways
from harness.mitigations.base import SEPARATOR, Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, Finding
from harness.servers import allowed, left_out, parameters
from harness.servers.base import Conf, Server, ServerState
from harness.servers.brought import Role
from harness.servers.live import LiveServer
from harness.servers.roles import BroughtServer
from harness.system.files import brief
from harness.system.registry import nearest

EXAMPLE = "as in 'set(server signing=mandatory)', 'set([share] smb encrypt=required)' or 'unset(ntlm auth)'"
SHARE = "share"
"""[share]: the share of that name, or, where there is none of that name, every share on a disk."""
_GLOBAL = ("global", "globals")
_SECTION = re.compile(r"\[([^\]]*)\]\s*(.*)", re.DOTALL)
_NO_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_LONGEST = 1000
"""Characters of a name and its value together."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of smb.conf(5) that is set or taken out."""

    share: str
    """In small letters; "" for [global]."""
    parameter: str
    value: str | None
    """None where it is taken out."""

    @classmethod
    def parse(cls, word: str) -> Line:
        """Read ``set(...)`` or ``unset(...)``. Raises UsageError for anything else."""
        if not words.is_literal(word):
            raise UsageError(f"{word!r} is neither one set(...) nor one unset(...)", EXAMPLE)
        kind, inside = words.opened(word)
        if _NO_LINE.search(inside) or len(inside) > _LONGEST:
            why = f"at most {_LONGEST} characters, without control characters"
            raise UsageError(f"{brief(word)} is no line of smb.conf(5)", why)
        return cls.of(kind, inside.strip(), word)

    @classmethod
    def of(cls, kind: str, text: str, word: str) -> Line:
        """The line ``[share] name = value`` or ``[share] name``. Raises UsageError, which names ``word``."""
        share = ""
        if text.startswith("["):
            found = _SECTION.fullmatch(text)
            if found is None:
                raise UsageError(f"{word!r} has no ] behind the name of its share", EXAMPLE)
            share, text = parameters.section_key(found[1]), found[2]
            if not share:
                raise UsageError(f"{word!r} names no share in its brackets", EXAMPLE)
        name, equals, value = text.partition("=")
        parameter = allowed.written(name)
        if not parameter or parameter[0] in "#;[":
            raise UsageError(f"{word!r} names no parameter of smb.conf(5)", EXAMPLE)
        if kind == words.SET and not equals:
            raise UsageError(f"{word!r} says no value", f"set({parameter}=VALUE), or unset({parameter})")
        if kind == words.UNSET and equals:
            raise UsageError(f"{word!r} takes a parameter out, whatever its value is", f"unset({parameter})")
        section = "" if share in _GLOBAL else share
        if section and allowed.known(parameter) and not allowed.of_shares(parameter):
            why = "belongs into [global], and Samba ignores it in a share"
            raise UsageError(f"{word!r}: {parameter!r} {why}", f"without the share: {kind}({text})")
        if kind == words.UNSET:
            return cls(section, parameter, None)
        if why := allowed.refusal(parameter, value.strip()):
            near = nearest(parameter, [*allowed.RULES, *allowed.SYNONYMS]) if why == left_out.UNKNOWN else []
            reason = why.removeprefix("is left out: ").removeprefix("is replaced: ")
            raise UsageError(
                f"{word!r}: {parameter!r} cannot be set in the lab: {reason}",
                f"did you mean {near[0]!r}?" if near else "",
            )
        return cls(section, parameter, value.strip())

    @property
    def name(self) -> str:
        """The one way to write it: the name of the change."""
        what = self.where + self.parameter
        if self.value is None:
            return words.closed(words.UNSET, what)
        return words.closed(words.SET, f"{what}={self.value}")

    @property
    def where(self) -> str:
        """Its section in brackets with a blank behind; "" for [global]."""
        return f"[{self.share}] " if self.share else ""

    def __str__(self) -> str:
        line = self.parameter if self.value is None else f"{self.parameter} = {self.value}".rstrip()
        return f"[{self.share or 'global'}] {'without ' * (self.value is None)}{line}"

    def made_in(self, conf: Conf, server: str) -> Conf:
        """A configuration with that line. Raises NotApplicableError: it has no such share or parameter."""
        if not self.share:
            return replace(conf, globals=self._on([conf.globals], server)[0])
        own = [name for name in conf.sections if parameters.section_key(name) == self.share]
        if not own and self.share == SHARE:
            if self.value is not None:
                return replace(conf, share=self._on([conf.share], server)[0])
            share, *rest = self._on([conf.share, *conf.sections.values()], server)
            return replace(conf, share=share, sections=dict(zip(conf.sections, rest, strict=True)))
        if not own:
            there = ", ".join(conf.sections) or SHARE
            raise NotApplicableError(f"{server} has no share called {self.share!r}; it has: {there}")
        made = {name: self._on([conf.sections[name]], server)[0] for name in own}
        return replace(conf, sections={**conf.sections, **made})

    def _on(self, sections: Iterable[Mapping[str, str]], server: str) -> list[Mapping[str, str]]:
        before = list(sections)
        if self.value is not None:
            return [parameters.with_one(one, self.parameter, self.value) for one in before]
        after: list[Mapping[str, str]] = [parameters.without(one, self.parameter) for one in before]
        if after == before:
            where = f"in [{self.share}]" if self.share else "in [global]"
            raise NotApplicableError(f"{server} does not set {self.parameter!r} {where}: nothing to take out")
        return after


class Inline(Mitigation):
    """One line of smb.conf(5), set or taken out."""

    foretold = False

    def __init__(self, line: Line, known: Mitigation | None = None) -> None:
        """``known``: the mitigation of ours that makes the very same line."""
        self.line = line
        self.known = known
        self.name = line.name
        self.named = line.share not in ("", SHARE)
        here = " for that share" * self.named
        self.title = f"{line}, which is {known.name}{here}: {known.title}" if known else str(line)
        self.expectation = Expectation(
            "nothing is known of this setting here: what differs is looked for, and whoever connects today "
            "should connect",
            f"smb.conf(5), {line.parameter}",
        )
        if known is not None:
            self.expectation, self.at, self.how = known.expectation, known.at, known.how
            if not self.named:
                self.aims, self.foretold = known.aims, known.foretold

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if self.known is not None:
            # Raises where it makes no sense there: nobody logs on, or what the server stands for lacks it.
            self.known.on_server(state, server)
        return replace(state, conf=self.line.made_in(state.conf, server.name))

    def stops(self, seen: Attempt) -> str:
        # Of a change of one share an attempt does not show which share it was.
        return self.known.stops(seen) if self.known and not self.named else ""

    def cause(self, before: Attempt, refused: Attempt) -> str:
        said = self.known.cause(before, refused) if self.known else ""
        if said or (self.known and not self.named):
            return said
        if parameters.spoken(self.line.parameter, self.line.value or "") == _GONE:
            return f"the share is not there any more: {self.line}"
        line, section = self.line, f"[{self.line.share or 'global'}]"
        if line.value is None:
            made = f"{line.parameter} was taken out of {section}"
        else:
            made = f"{line.parameter} = {line.value}".rstrip() + f" was set in {section}"
        return f"the server refuses it since {made}; why it does so is not explained here"

    def ignored_by(self, server: Server) -> str:
        return self.known.ignored_by(server) if self.known else ""

    def verify(self, live: LiveServer) -> Finding:
        known = self.known if self._is_its_share(live.server) else self.just(live.server)
        # Whom the share's lists leave out is refused there whatever the share demands.
        if known is not None and not (self.line.share and live.server.role == Role.OUTSIDER):
            return known.verify(live)
        asked = _read.Asked(self.line.parameter, self.line.share, each=self.line.share == SHARE)
        return _read.seen(live, [asked], self.on_server)

    def just(self, server: Server) -> Mitigation | None:
        """The mitigation of ours that makes this line and no more on that server: it may need more there.

        Raises NotApplicableError as ``on_server``.
        """
        if self.known is None or self.named:
            return None
        made = self.known.on_server(server.state, server).conf
        own = self.on_server(server.state, server).conf
        return self.known if _spoken(made) == _spoken(own) else None

    def _is_its_share(self, server: Server) -> bool:
        """Whether clients of a server open the one share that this is about."""
        return (
            self.named
            and isinstance(server, BroughtServer)
            and parameters.section_key(server.section) == self.line.share
        )


def _spoken(conf: Conf) -> list[frozenset[parameters.Spoken]]:
    sections = (conf.globals, conf.share, *conf.sections.values())
    return [frozenset(parameters.spoken(*pair) for pair in one.items()) for one in sections]


_GONE = parameters.spoken("available", "no")
_BARE = Server("", "", "", Conf())


def made_of(word: str, ours: Iterable[Mitigation]) -> Inline:
    """The change of a ``set(...)`` or ``unset(...)``; ``ours`` are asked which of them makes that line.

    Raises UsageError for what is no such word.
    """
    line = Line.parse(word)
    return Inline(line, next((one for one in ours if _makes(one, line)), None))


def _makes(change: Mitigation, line: Line) -> bool:
    """Whether a mitigation makes that line and nothing else on a Samba that has nothing set.

    A line of one share is what a mitigation makes in every share.
    """
    if line.value is None:
        return False
    if line.share:
        line = replace(line, share=SHARE)
    try:
        after = change.on_server(_BARE.state, _BARE)
    except NotApplicableError:
        return False
    only = replace(_BARE.state, conf=after.conf)
    return after == only and _spoken(after.conf) == _spoken(line.made_in(Conf(), ""))


def is_inline(part: str) -> bool:
    """Whether a part of a name is meant as a line of smb.conf(5)."""
    return part.startswith((f"{words.SET}(", f"{words.UNSET}("))


def parts(name: str) -> list[str]:
    """The parts of a combination's name. Raises UsageError where a ``set(`` is not closed."""
    try:
        return words.split(name, SEPARATOR)
    except words.UnclosedError as error:
        raise UsageError(str(error), words.HINT) from None


def canonical(name: str) -> str:
    """The one way to write the name or pattern of a change. Raises UsageError for what is no setting."""
    if f"{words.SET}(" not in name:
        return name
    return SEPARATOR.join(_canonical(part) for part in parts(name))


def _canonical(part: str) -> str:
    if not is_inline(part):
        return part
    word, way = ways.apart(part)
    return Line.parse(word).name + (f"{ways.MARK}{way}" if way else "")


def check(named: Iterable[str]) -> None:
    """Raises UsageError where two parts of a combination are about the same parameter of one section."""
    about: dict[tuple[str, str], str] = {}
    for part in filter(is_inline, named):
        line = Line.parse(ways.apart(part)[0])
        other = about.setdefault((line.share, parameters.meant(line.parameter)), part)
        if other != part:
            raise UsageError(f"{other} and {part} are about the same parameter", "leave one of them out")
