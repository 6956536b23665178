"""The servers that a configuration which was brought along makes: one a share and role.

All of them are the same Samba with the whole configuration; they differ in which share a client opens and as
whom it comes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from harness.model import Dialect, Evidence, Fidelity, Tier
from harness.servers import lists, samba_release
from harness.servers.base import NOTHING, Conf, Server, ServerState, parameter_key
from harness.servers.brought import Account, Brought, Instead, Role
from harness.servers.platform import Change, Doing, Say
from harness.servers.platforms import named

HOMES: Final = "homes"
"""The section that is a share for each user, by the user's name (smb.conf(5))."""
MARK: Final = "@"
"""Between the parts of a server's name: NAME@SHARE@ROLE."""
OF_THE_LAB: Final = "rehearse"
"""Whom the lab adds where a configuration names nobody whom a share lets in."""
_OUTSIDE: Final = "outsider"
_GUESTS_COME: Final = frozenset({"baduser", "badpassword"})
"""Values of "map to guest" by which a user whom nobody knows is a guest on a standalone server."""
ONE_USER: Final = Instead(
    "global",
    "(permissions of files)",
    "",
    "all accounts are one system user in the lab: who may open a share and who may write into it is as the "
    "configuration says, and what one account makes there the others may change (force create mode = 0666, "
    "force directory mode = 0777)",
)
"""Of every server in the lab whose configuration was brought along (``labs.people``)."""
LIKE_ITS_OWNER: Final = (
    "whose folder it is is not known here: whoever the share lets in may do in it what its owner may"
)
"""Of a folder that its group may not read."""

NOBODY: Final = (
    "no client comes to it: its lists (valid users, invalid users) let in nobody, and refuse whoever tries"
)
"""Of a share that has no server."""

LISTS_ALONE: Final = (
    "no access control list is brought along: everybody whom the share lets in is granted everything until a "
    "client sets a list, and lists decide alone (default acl style = everyone, ignore system acls = yes)"
)
"""Of a module that keeps access control lists. Measured with 4.13, 4.17, 4.25: else smbd, which can give no
file away in the lab, leaves whoever makes one nothing."""


@dataclass(frozen=True, slots=True)
class BroughtServer(Server):
    """One share of a configuration that was brought along, used in one role."""

    brought: Brought = field(default_factory=lambda: Brought("", (), "", Conf()))
    """With the accounts that the lab adds."""
    section: str = ""
    """The share's section in smb.conf(5)."""
    role: Role = Role.USER
    user: str = ""
    """As whom clients come; nobody knows a guest's name."""
    insider: str = ""
    """Whom the share lets in: the same but for an outsider."""

    def lacks_share(self, conf: Conf) -> bool:
        """Whether its share is one of those that appear with a change, and is not there in ``conf`` yet."""
        return self.section in self.brought.appearing and not lists.available(conf, self.section)

    @property
    def share(self) -> str:
        """What clients open: the section's name, of [homes] the name of the user whose home it is."""
        return self.insider if self.section.casefold() == HOMES else self.section

    @property
    def called(self) -> str:
        """See ``Server.called``: ``office@[経理部 の資料]``, with the share as smb.conf(5) has it."""
        _, share, *role = self.name.split(MARK)
        return "" if share == self.section else MARK.join([self.brought.name, f"[{self.section}]", *role])

    @property
    def whole(self) -> Brought:
        """See ``Server.whole``."""
        return self.brought

    def doings(self, change: Change, before: ServerState, after: ServerState, say: Say) -> Iterable[Doing]:
        """See ``Server.doings``; of an emulated Windows in PowerShell."""
        if self.stands_for is None or not after.running:
            return self.told_as.doings(change, before, after, self, say)
        # Loaded where it is used: who brings a configuration along needs nothing of Windows.
        from harness.servers import windows_words

        return windows_words.doings(before.conf, after.conf, say)

    def details(self) -> Mapping[str, Sequence[str]]:
        """The whole configuration, who uses it, and what was done instead of what cannot be had here."""
        return {
            "clients come as": [f"{self.user} ({self.role})"],
            "shares": [
                f"[{section}] {name} = {value}" if name else f"[{section}]"
                for section, settings in self.conf.sections.items()
                for name, value in (settings.items() or [("", "")])
            ],
            "accounts": [
                f"{one.name}, in {', '.join(one.groups)}" if one.groups else one.name
                for one in self.brought.accounts
            ],
            "done instead": self.instead,
            "remarks": self.brought.remarks,
        }

    @property
    def instead(self) -> tuple[str, ...]:
        """See ``Server.instead``."""
        return tuple(
            f"[{one.section}] {one.parameter}{f' = {one.value}' * bool(one.value)}: {one.done}"
            for one in self.brought.instead
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """See ``Server.remarks``."""
        return self.brought.remarks


def servers_of(brought: Brought) -> dict[str, BroughtServer]:
    """The servers by name: of each share on a disk one for a user, and one for each role that it tells apart.

    So has a share that appears with a change. One that lets in nobody whom the configuration names has none.
    """
    whole = with_people(brought)
    names = ids(whole.conf.sections)
    return {
        server.name: server
        for section in _used(whole)
        for server in _roles(whole, section, f"{whole.name}{MARK}{names[section]}")
    }


def _used(brought: Brought) -> list[str]:
    """The sections of the shares that clients come to."""
    conf = brought.conf
    return [name for name in conf.sections if name in brought.appearing or lists.on_disk(conf, name)]


def ids(sections: Mapping[str, object]) -> dict[str, str]:
    """Section -> what it is called in a cell's id: letters, digits, dots and hyphens; all differ.

    A blank becomes a hyphen, a dollar is left out. Where more is lost, or another share is called so, a
    digest tells them apart, which does not depend on the other shares.
    """
    plain = {name for name in sections if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", name)}
    taken = {name.casefold() for name in plain}
    found = {}
    for name in sections:
        made = name
        if name not in plain:
            made = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")
            if re.search(r"[^A-Za-z0-9._$ -]", name) or not made or made.casefold() in taken:
                digest = hashlib.sha256(name.encode()).hexdigest()[:6]
                made = f"{made or 'share'}-{digest}"
            taken.add(made.casefold())
        found[name] = made
    return found


def with_people(brought: Brought) -> Brought:
    """The same with the accounts that the lab adds: an outsider for lists that leave out nobody else, and
    somebody for shares that let in nobody, or nobody but admins."""
    conf, accounts = brought.conf, list(brought.accounts)
    shares = _used(brought)
    empty = [section for section in shares if not _inside(conf, section, accounts)]
    groups = (
        one.name
        for section in empty
        for one in lists.listed(lists.said(conf, section, "valid users")[1])
        if one.group and not re.search(r"[%:,]", one.name)
    )
    somebody = Account(_free(OF_THE_LAB, accounts), tuple(dict.fromkeys(groups)))
    only_admins = (section for section in shares if not _plain(conf, section, accounts))
    if empty or any(_plain(conf, section, [somebody]) for section in only_admins):
        accounts.append(somebody)
    outsider = Account(_free(_OUTSIDE, accounts))
    insides = {section: _inside(conf, section, accounts) for section in shares}
    homes = {section: _user(conf, section, inside) for section, inside in insides.items() if inside}
    if any(
        _outside(conf, section, [outsider], home) and not _outside(conf, section, accounts, home)
        for section, home in homes.items()
    ):
        accounts.append(outsider)
    closed = (
        Instead(section, "(permissions of its folder)", f"{mode:04o}", LIKE_ITS_OWNER)
        for section, mode in brought.modes.items()
        if section.casefold() != HOMES and lab_mode(section, mode) != mode
    )
    alone = (
        Instead(section, "vfs objects", module, LISTS_ALONE)
        for section in shares
        for module in lists.acl_modules(conf, section)
    )
    shut = (Instead(section, "(clients)", "", NOBODY) for section in shares if not insides[section])
    instead = (*brought.instead, *closed, *alone, *shut, ONE_USER)
    return replace(brought, accounts=tuple(accounts), instead=instead)


def lab_mode(section: str, mode: int) -> int:
    """The permission bits of a share's folder in the lab, where accounts are its group and guests others.

    The bits of its group are kept; those of its owner take their place where the group may not even look, and
    in a home, which is its owner's.
    """
    if section.casefold() != HOMES and mode & 0o050 == 0o050:
        return mode
    return mode & ~0o070 | mode >> 3 & 0o070


def lets_in(conf: Conf, section: str, who: Account) -> bool:
    """Whether a share's lists let somebody in: "invalid users" first, then "valid users" (smb.conf(5))."""
    if _among(conf, section, "invalid users", who, who.name):
        return False
    listed = lists.listed(lists.said(conf, section, "valid users")[1])
    return not listed or _among(conf, section, "valid users", who, who.name)


def _among(conf: Conf, section: str, parameter: str, who: Account, home: str) -> bool:
    """``home``: whose home is opened, where the section is [homes]."""
    names = lists.listed(lists.said(conf, section, parameter)[1])
    if not names:
        return False
    share = home if section.casefold() == HOMES else section
    macros = {"%S": share, "%U": who.name, "%u": who.name, "%D\\": "", "%D%w": "", "%D+": ""}
    groups = {group.casefold() for group in who.groups}
    for one in names:
        name = one.name
        if "%" in name:
            for macro, value in macros.items():
                name = name.replace(macro, value)
        if name.casefold() in groups if one.group else name.casefold() == who.name.casefold():
            return True
    return False


def _inside(conf: Conf, section: str, accounts: list[Account]) -> list[Account]:
    return [one for one in accounts if lets_in(conf, section, one)]


def _outside(conf: Conf, section: str, accounts: list[Account], home: str) -> list[Account]:
    """Those whom a share leaves out; of [homes] those who are not let into the home of somebody else."""
    if section.casefold() != HOMES:
        return [one for one in accounts if not lets_in(conf, section, one)]
    others = [one for one in accounts if one.name != home]
    keeps = lists.listed(lists.said(conf, section, "valid users")[1])
    return [one for one in others if keeps and not _among(conf, section, "valid users", one, home)]


def _free(name: str, accounts: list[Account]) -> str:
    taken = {one.name.casefold() for one in accounts}
    return next(
        made for number in count(1) if (made := f"{name}{number}" if number > 1 else name) not in taken
    )


def guest_account(conf: Conf) -> Account:
    """As whom guests are; "nobody" where nothing is said (smb.conf(5))."""
    return Account(lists.said(conf, "", "guest account")[1] or "nobody")


def guests_come(conf: Conf, section: str) -> bool:
    """Whether somebody without an account is let into a share."""
    mapped = parameter_key(lists.said(conf, "", "map to guest")[1])
    welcome = lists.holds(conf, section, "guest ok") or lists.holds(conf, section, "guest only")
    return mapped in _GUESTS_COME and welcome and lets_in(conf, section, guest_account(conf))


def _roles(brought: Brought, section: str, name: str) -> Iterator[BroughtServer]:
    conf, accounts = brought.conf, list(brought.accounts)
    inside = _inside(conf, section, accounts)
    admins = [one for one in inside if _among(conf, section, "admin users", one, one.name)]
    if not inside:
        return
    user = _user(conf, section, inside)
    people = {Role.USER: (user, user)}
    if outside := _outside(conf, section, accounts, user):
        people[Role.OUTSIDER] = (min(outside[::-1], key=lambda one: one.name == "root").name, user)
    if guests_come(conf, section):
        people[Role.GUEST] = ("somebody", user if section.casefold() == HOMES else "somebody")
    if admins:
        people[Role.ADMIN] = (admins[0].name, admins[0].name)
    for role, (who, insider) in people.items():
        yield _server(
            brought, section, name if role is Role.USER else f"{name}{MARK}{role}", role, who, insider
        )


def _user(conf: Conf, section: str, inside: list[Account]) -> str:
    """Whom of those that a share lets in it is used by: no admin, and somebody who may write if anybody may.

    The first of several: whom the lab has added comes last.
    """

    def rank(who: Account) -> tuple[bool, bool]:
        writes = _among(conf, section, "write list", who, who.name)
        reads = lists.read_only(conf, section) or _among(conf, section, "read list", who, who.name)
        # Whom both lists name may write (smb.conf(5)).
        return who not in plain, reads and not writes

    plain = _plain(conf, section, inside)
    return min(inside, key=rank).name


def _plain(conf: Conf, section: str, accounts: list[Account]) -> list[Account]:
    """Those whom a share lets in and who are nothing more there: no admin, and not root, who may do all."""
    return [
        one
        for one in _inside(conf, section, accounts)
        if one.name != "root" and not _among(conf, section, "admin users", one, one.name)
    ]


_AS: Final[Mapping[Role, str]] = {
    Role.USER: "as {who}, whom the share lets in",
    Role.OUTSIDER: "as {who}, whom its lists leave out",
    Role.GUEST: "as somebody without an account",
    Role.ADMIN: "as {who}, one of its admin users",
}


def _no_upgrade(brought: Brought, known: Server | None) -> str:
    if brought.emulates:
        return f"{brought.emulates.what} is emulated: no update of it can be installed here"
    return known.no_upgrade if known else f"nobody told of newer packages for {brought.image}"


def _server(brought: Brought, section: str, name: str, role: Role, user: str, insider: str) -> BroughtServer:
    instead = len(brought.instead)
    other = brought.emulates
    software = (
        f"a Samba ({brought.image}) that is configured so" if other else f"a real Samba ({brought.image})"
    )
    known = next((one for one in samba_release.SERVERS if one.image == brought.image), None)
    return BroughtServer(
        name,
        f"{section} {_AS[role].format(who=user)}: your configuration {brought.name} on {software}, "
        f"with {instead} {'thing' if instead == 1 else 'things'} done instead",
        brought.image,
        brought.conf,
        fidelity=Fidelity.CONFIGURED if other else Fidelity.REAL,
        emulates=other.what if other else "",
        stands_for=named(other.platform) if other else None,
        highest=other.highest if other else Dialect.SMB3_11,
        unknown_user=role is Role.GUEST,
        upgrades=known.upgrades if known and not other else NOTHING,
        no_upgrade=_no_upgrade(brought, known),
        evidence=tuple(Evidence("the configuration", one) for one in brought.files),
        labs=frozenset({Tier.LOCAL}),
        brought=brought,
        section=section,
        role=role,
        user=user,
        insider=insider,
    )
