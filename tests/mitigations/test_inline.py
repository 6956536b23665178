"""Changes that are written down where they are used: set(...) and unset(...)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from known import CATALOGUE

from harness.errors import UsageError
from harness.labs import server_internals
from harness.labs.samba import SambaServer
from harness.mitigations.base import NotApplicableError
from harness.mitigations.inline import Inline
from harness.model import STATUS_OK, Attempt, Dialect, Outcome, Side, Step, StepName
from harness.servers.base import Conf, Server
from harness.servers.live import How, LiveServer
from harness.servers.parameters import OPPOSITES, SYNONYMS, WORDS, meant, spoken

SAMBA = CATALOGUE.servers["samba-4.22"]


def inline(name: str) -> Inline:
    change = CATALOGUE.mitigation(name)
    assert isinstance(change, Inline)
    return change


def with_it(name: str, conf: Conf) -> Conf:
    return inline(name).changed(replace(SAMBA.state, conf=conf), SAMBA).conf


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("set(ServerSigning = mandatory)", "set(server signing=mandatory)"),
        ("set(  SERVER  signing=  mandatory )", "set(server signing=mandatory)"),
        ("set([global] server signing=mandatory)", "set(server signing=mandatory)"),
        ("set([Public  Files]ValidUsers=@staff, +x)", "set([public files] valid users=@staff, +x)"),
        ("set([share] Fruit : TimeMachine=yes)", "set([share] fruit:time machine=yes)"),
        ("unset( ntlmauth )", "unset(ntlm auth)"),
        ("unset([share]  guest ok)", "unset([share] guest ok)"),
        ("set(hosts allow = 10. 127.)+smb3-only", "set(hosts allow=10. 127.)+smb3-only"),
        # A synonym stays what it is: not every release knows each name.
        ("set(server smb encrypt=required)", "set(server smb encrypt=required)"),
    ],
)
def test_two_spellings_are_one_change(written: str, name: str) -> None:
    assert CATALOGUE.mitigation(written).name == name
    assert CATALOGUE.mitigation(name).name == name


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("set(server signing)", "says no value"),
        ("unset(ntlm auth=yes)", "takes a parameter out"),
        ("set()", "names no parameter"),
        ("set(=x)", "names no parameter"),
        ("set([]guest ok=yes)", "names no share"),
        ("set([docs guest ok=yes)", "has no ]"),
        ("set(comment=x)y", "neither one set"),
        ("set(comment=x\ny)", "is no line"),
        ("set(comment=x", "is not closed"),
        ("set([share] server signing=mandatory)", "belongs into .global."),
        ("set(server signin=mandatory)", "no release in the lab knows"),
        ("set(root preexec=/bin/x)", "cannot be set in the lab: smbd would run a command for it"),
        ("set(log file=/tmp/x)", "cannot be set in the lab"),
        ("set(vfs objects=evil)", "cannot be set in the lab|no VFS module"),
        ("set(min protocol=SMB2)+set(server min protocol=SMB3)", "about the same parameter"),
        ("set(public=yes)+unset(guest ok)", "about the same parameter"),
        ("set(deadtime=5)+set(DeadTime = 5)", "names a mitigation twice"),
    ],
)
def test_a_mistake_is_one_clear_line(written: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as told:
        CATALOGUE.mitigation(written)
    assert "\n" not in str(told.value)


def test_every_line_that_a_mitigation_of_ours_makes_is_that_mitigation_by_another_name() -> None:
    recognised = set()
    for change in CATALOGUE.mitigations.values():
        try:
            conf = change.on_server(replace(SAMBA.state, conf=Conf()), replace(SAMBA, conf=Conf())).conf
        except NotApplicableError:
            continue
        lines = [f"{name}={value}" for name, value in conf.globals.items()]
        lines += [f"[share] {name}={value}" for name, value in conf.share.items()]
        # Where a server listens is the lab's to say: as a setting of somebody's own it is refused.
        if len(lines) == 1 and change.name != "alternative-port":
            known = inline(f"set({lines[0]})").known
            assert known is not None, change.name
            # nt-pipe-support-off-reload makes the same line in another way.
            assert change.name.removesuffix("-reload") == known.name
            assert inline(f"set({lines[0]})").aims == change.aims
            recognised.add(change.name)
    assert recognised > {"smb3-only", "smb3-alias", "signing-required", "ntlmv2-only", "nt-pipe-support-off"}
    assert inline("set(protocol=SMB3_02)").known is CATALOGUE.mitigations["smb302-maximum"]
    assert inline("set(server signing=Required)").known is CATALOGUE.mitigations["signing-required"]
    assert inline("set(server signing=auto)").known is None
    assert inline("unset(server signing)").known is None


def test_a_parameter_takes_the_place_of_its_other_names() -> None:
    before = Conf({"min protocol": "NT1", "Protocol": "SMB3"}, {"writeable": "yes", "public": "yes"})
    assert dict(with_it("set(server min protocol=SMB3)", before).globals) == {
        "Protocol": "SMB3",
        "server min protocol": "SMB3",
    }
    assert dict(with_it("set([share] read only=yes)", before).share) == {"public": "yes", "read only": "yes"}
    assert dict(with_it("unset([share] guest ok)", before).share) == {"writeable": "yes"}
    # The named ones, too: of two lines smbd heeds the last.
    named = CATALOGUE.mitigation("smb3-only").changed(replace(SAMBA.state, conf=before), SAMBA).conf
    assert "min protocol" not in named.globals
    guests = CATALOGUE.mitigation("guest-off").changed(replace(SAMBA.state, conf=before), SAMBA).conf
    assert dict(guests.share) == {"writeable": "yes", "guest ok": "no"}
    both = {one.key: one.value for one in (spoken("writeable", "on"), spoken("read only", "0"))}
    assert both == {"readonly": "no"}


def test_shares_of_a_configuration_that_was_brought_along() -> None:
    office = Conf(sections={"Documents": {"guest ok": "no"}, "Public Files": {"public": "yes"}})
    changed = with_it("set([documents] smb encrypt=required)", office)
    assert dict(changed.sections["Documents"]) == {"guest ok": "no", "smb encrypt": "required"}
    assert changed.sections["Public Files"] == office.sections["Public Files"]
    every = with_it("set([share] smb encrypt=required)", office)
    assert dict(every.share) == {"smb encrypt": "required"}
    nobody = with_it("unset([share] guest ok)", office)
    assert {name: dict(one) for name, one in nobody.sections.items()} == {"Documents": {}, "Public Files": {}}
    with pytest.raises(
        NotApplicableError, match="has no share called 'pub'; it has: Documents, Public Files"
    ):
        with_it("set([pub] guest ok=no)", office)
    with pytest.raises(NotApplicableError, match="nothing to take out"):
        with_it("unset(deadtime)", office)


def test_what_a_known_line_cannot_be_made_on_says_why() -> None:
    guests = next(one for one in CATALOGUE.servers.values() if one.unknown_user)
    with pytest.raises(NotApplicableError, match="nobody logs on with a password"):
        CATALOGUE.mitigation("set(ntlm auth=ntlmv2-only)").changed(guests.state, guests)
    windows = CATALOGUE.servers["windows-server-2022"]
    with pytest.raises(NotApplicableError, match="has no way to be made on Windows"):
        CATALOGUE.mitigation("set(deadtime=5)").changed(windows.state, windows)
    ksmbd = CATALOGUE.servers["ksmbd"]
    with pytest.raises(NotApplicableError, match="ksmbd has no parameter 'deadtime'"):
        CATALOGUE.mitigation("set(deadtime=5)").changed(ksmbd.state, ksmbd)
    made = CATALOGUE.mitigation("set(min protocol=SMB3_00)").changed(ksmbd.state, ksmbd)
    assert made.conf.globals["min protocol"] == "SMB3_00"


@pytest.mark.local_lab
@pytest.mark.parametrize("name", ["samba-4.13", "samba-4.17", "samba-4.22", "samba-4.25"])
def test_what_is_one_parameter_here_is_one_to_the_releases(
    serve: Callable[[str], LiveServer], name: str
) -> None:
    live = serve(name)
    assert isinstance(live, SambaServer)

    def read(lines: str) -> dict[str, dict[str, str]]:
        return server_internals.sections(live._ask(f"[global]\n{lines}").stdout)

    default = read("")["global"]
    shown = {meant(one): one for one in default}
    for other, main in {**SYNONYMS, **OPPOSITES}.items():
        if shown.get(meant(main), main) in ("log level", "path", "auto services", "timestamp logs"):
            continue  # Not shown as they are set, or not in [global].
        for value in ("yes", "no", "SMB3_02", "0770", "required", "rfc"):
            now = read(f"{other} = {value}\n").get("global", {})
            if differ := [
                one for one in now if now[one] != default.get(one) and one != "idmap config * : range"
            ]:
                assert [meant(one) for one in differ] == [meant(main)], (other, value)
                break
    for parameter, words in WORDS.items():
        for other, main in words.items():
            assert read(f"{parameter} = {other}\n") == read(f"{parameter} = {main}\n"), (parameter, other)


@pytest.mark.local_lab
def test_a_setting_that_nobody_knows_is_seen_in_what_differs(serve: Callable[[str], LiveServer]) -> None:
    live = serve("samba-4.22")

    def under(name: str) -> tuple[bool, bool, set[str], str]:
        """In effect before and with it, what differs on the wire, and what testparm reads then."""
        change, state = inline(name), live.state
        before = change.verify(live)
        change.apply(live)
        after = change.verify(live)
        change.revert(live, state)
        assert after.by_configuration
        differ = {what for what in after.wire if after.wire[what] != before.wire.get(what)}
        return before.in_effect, after.in_effect, differ, after.evidence

    assert under("set(deadtime=5)") == (False, True, set(), "testparm reads deadtime = 5")
    assert under("set(smb2 max read=65536)")[:3] == (
        False,
        True,
        {f"{one.in_words}, largest transaction, read and write" for one in Dialect if one.revision >= 0x0210},
    )
    assert under("set([share] valid users=nobody-else)")[2] == {"a logon with the account"}
    # What has a name of its own has no default that testparm would show: taken out, it is not there.
    plain = live.state
    with_option = replace(plain.conf, globals={**plain.conf.globals, "fruit:metadata": "netatalk"})
    live.become(replace(plain, conf=with_option), How.RELOAD)
    assert under("unset(fruit:metadata)") == (False, True, set(), "testparm reads no fruit:metadata")
    live.become(plain, How.RELOAD)
    # Another spelling of what it reads by itself: nothing changes.
    assert under("set(server max protocol=SMB3)")[:3] == (True, True, set())
    assert live.server.name == "samba-4.22"


@pytest.mark.local_lab
def test_a_known_line_is_seen_as_the_mitigation_is(serve: Callable[[str], LiveServer]) -> None:
    live = serve("samba-4.22-smb1")
    change = inline("set(min protocol=SMB3)")
    before = live.state
    assert not change.verify(live).in_effect
    change.apply(live)
    found = change.verify(live)
    assert found.in_effect
    assert not found.by_configuration
    assert "offered" in found.evidence
    live.become(before, How.RESTART)


def test_on_a_server_that_needs_more_than_the_line_the_line_alone_is_made() -> None:
    # smb3-only raises the maximum there, too; the line that somebody writes does not.
    old = Server("old", "", "trixie", Conf({"max protocol": "NT1"}))
    named = CATALOGUE.mitigation("smb3-only").changed(old.state, old).conf
    assert named.globals["server max protocol"] == "SMB3_11"
    line = inline("set(server min protocol=SMB3_00)")
    assert "server max protocol" not in line.changed(old.state, old).conf.globals


def test_a_line_of_one_share_is_the_mitigation_that_makes_it_in_all() -> None:
    named = inline("set([documents] smb encrypt=mandatory)")
    assert named.known is CATALOGUE.mitigations["share-encryption-required"]
    assert "which is share-encryption-required for that share" in named.title
    old = Attempt(
        Outcome.OK, dialect=str(Dialect.SMB2_10), steps=(Step(StepName.TREE_CONNECT, STATUS_OK, 1.0),)
    )
    stopped = replace(
        old,
        outcome=Outcome.REFUSED,
        step=StepName.TREE_CONNECT,
        status="STATUS_ACCESS_DENIED",
        side=Side.SERVER,
    )
    assert named.cause(old, stopped) == "the share demands encryption, which SMB 2.1 does not have"
    # An attempt does not show which share it was, so nothing is foretold of it; nor is it all of that change.
    assert named.stops(old) == ""
    assert not named.foretold
    assert named.just(SAMBA) is None
    assert inline("set([share] smb encrypt=required)").just(SAMBA) is named.known
    assert inline("set([documents] hide dot files=no)").known is None
    gone = inline("set([documents] available=False)").cause(old, stopped)
    assert gone == "the share is not there any more: [documents] available = False"


@pytest.mark.parametrize(
    ("change", "made"),
    [
        ("set(hosts allow=10.)", "hosts allow = 10. was set in [global]"),
        ("set([documents] hosts allow=10.)", "hosts allow = 10. was set in [documents]"),
        ("unset(server min protocol)", "server min protocol was taken out of [global]"),
    ],
)
def test_a_refusal_by_a_line_that_is_not_explained_says_which_and_what_was_done_with_it(
    change: str, made: str
) -> None:
    old = Attempt(Outcome.OK, dialect=str(Dialect.SMB2_10))
    stopped = Attempt(Outcome.REFUSED, step=StepName.NEGOTIATE, status="RESET", side=Side.SERVER)
    said = inline(change).cause(old, stopped)
    assert said == f"the server refuses it since {made}; why it does so is not explained here"
