"""Mitigations that are plain TOML: what they change, what is looked for, and how a mistake in one is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.catalogue.sources import Kind, in_folder
from harness.conduct.server_change import on_the_wire
from harness.errors import UsageError
from harness.mitigations.base import NotApplicableError
from harness.mitigations.described import DescribedMitigation, load
from harness.model import Attempt, ClientPolicy, Outcome, Side, StepName
from harness.servers.live import How, LiveServer
from harness.system.toml_file import line_of

WHOLE = """title = "SMB 3 and no NTLMv1, by our rules"
how = "restart"
aims = ["smb1-spoken"]

[expectation]
text = "whoever is older than Windows 8 is refused"
source = "change request 4711"

[global]
"server min protocol" = "SMB3_00"
"ntlm auth" = "ntlmv2-only"

[share]
"read only" = true

[look]
dialect.oldest = "3.0"
auth.refused = ["NTLMv1"]
auth.accepted = ["NTLMv2"]
write.refused = ["NTLMv2"]
open.accepted = ["NTLMv2"]
"""
SHORT = """title = "short"
expectation = {text = "nothing is lost", source = "us"}
"""


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], DescribedMitigation]:
    """The mitigation of a text."""

    def make(text: str) -> DescribedMitigation:
        file = tmp_path / "ours.toml"
        file.write_text(text)
        return load(file)

    return make


Made = Callable[[str], DescribedMitigation]


def test_a_file_says_all_of_it(made: Made) -> None:
    ours = made(WHOLE)
    assert (ours.name, ours.how, ours.aims, ours.sides) == (
        "ours",
        How.RESTART,
        ("smb1-spoken",),
        frozenset({Side.SERVER}),
    )
    server = CATALOGUE.servers["samba-4.22-smb1"]
    after = ours.changed(server.state, server).conf
    assert after.globals == {"server min protocol": "SMB3_00", "ntlm auth": "ntlmv2-only"}
    assert after.share == {"read only": "yes"}
    assert made(f'name = "other"\nhow = "reload"\n{SHORT}[global]\n"deadtime" = 5\n').how is How.RELOAD


def test_a_parameter_in_another_spelling_is_the_same(made: Made) -> None:
    server = CATALOGUE.servers["samba-4.22-smb1"]
    ours = made(f'{SHORT}[global]\n"Server  MinProtocol" = "SMB2_10"\n')
    assert ours.changed(server.state, server).conf.globals == {
        "ntlm auth": "ntlmv1-permitted",
        "Server  MinProtocol": "SMB2_10",
    }


def test_one_share_of_several_is_changed(made: Made) -> None:
    plain = CATALOGUE.servers["samba-4.22"]
    conf = replace(plain.conf, sections={"Office": {"comment": "x"}, "scans": {}})
    several = replace(plain, name="office@scans", conf=conf)
    ours = made(f'{SHORT}[shares.office]\n"guest ok" = false\n')
    assert ours.changed(several.state, several).conf.sections == {
        "Office": {"comment": "x", "guest ok": "no"},
        "scans": {},
    }
    # As Samba finds it: neither case nor the number of blanks counts.
    blanks = made(f'{SHORT}[shares."my   FILES"]\n"guest ok" = false\n')
    conf = replace(plain.conf, sections={"My Files": {}})
    named = replace(plain, name="office@My-Files", conf=conf)
    assert blanks.changed(named.state, named).conf.sections == {"My Files": {"guest ok": "no"}}
    with pytest.raises(NotApplicableError, match=r"samba-4\.22 has no share 'office'"):
        ours.changed(plain.state, plain)


def test_what_cannot_come_about_is_not_applicable(made: Made) -> None:
    old, guests = CATALOGUE.servers["sles11-like"], CATALOGUE.servers["guest-share"]
    with pytest.raises(NotApplicableError, match="speaks at most SMB"):
        made(WHOLE).changed(old.state, old)
    ours = made(f'{SHORT}[global]\n"ntlm auth" = "ntlmv2-only"\n[look]\nauth.refused = ["NTLMv1"]\n')
    with pytest.raises(NotApplicableError, match="every user is a guest"):
        ours.changed(guests.state, guests)


def test_what_is_set_on_clients(made: Made) -> None:
    ours = made(f"{SHORT}[client]\nrequire-signing = true\nguest = false\n")
    assert ours.sides == {Side.CLIENT}
    windows, curl = CATALOGUE.clients["windows-10-22h2"], CATALOGUE.clients["curl"]
    policy = ours.on_client(ClientPolicy(), windows)
    assert policy == ClientPolicy(require_signing=True, guest=False)
    with pytest.raises(NotApplicableError, match="curl is not known to have such a setting"):
        ours.on_client(curl.policy, curl)
    with pytest.raises(NotApplicableError, match="does so by itself already"):
        ours.on_client(policy, windows)
    assert made(f"{SHORT}[client]\nsmb1 = false\n").watched
    guest = Attempt(Outcome.OK, dialect="3.1.1", auth="guest")
    refused = Attempt(Outcome.REFUSED, step=StepName.SESSION_SETUP, side=Side.CLIENT)
    assert ours.cause(guest, refused) == "the client refuses to be a guest (AllowInsecureGuestAuth = 0)"


def test_a_cause_is_that_of_the_built_in_change_that_is_looked_for_alike(made: Made) -> None:
    before = Attempt(Outcome.OK, dialect="2.1", auth="NTLMv2")
    refused = Attempt(
        Outcome.REFUSED, step=StepName.NEGOTIATE, status="STATUS_NOT_SUPPORTED", side=Side.SERVER
    )
    assert "accepts nothing older than SMB 3.0; this client offers at most SMB 2.1" in made(WHOLE).cause(
        before, refused
    )
    ours = made(f'stops = "the office is shut"\n{SHORT}[global]\n"hosts deny" = "ALL"\n')
    assert ours.cause(before, refused) == "the office is shut"
    assert ours.cause(before, replace(refused, side=Side.CLIENT)) == ""


HEAD = f"{SHORT}[global]\ndeadtime = 5\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "title is missing"),
        ('title = "x"\n', 1, "expectation is missing"),
        (
            f"{SHORT}\n",
            1,
            "nothing is changed: a mitigation has [global], [share], [shares.NAME] or [client]",
        ),
        (f'{SHORT}\nhwo = "reload"\n[global]\na = 1\n', 4, "no key is called 'hwo', did you mean 'how'?"),
        (f'{SHORT}how = "reboot"\n[global]\na = 1\n', 3, "how: must be 'restart' or 'reload', not 'reboot'"),
        (f'{SHORT}[global]\n"a" = [\n"b"]\n', 4, "global.a: must be text, a whole number, true or false"),
        (f'{SHORT}[global]\n"a" = "b\\npanic action = x"\n', 4, "global.a: must be one line"),
        (f'{SHORT}[global]\n"a" = "b\\\\"\n', 4, "global.a: must be one line"),
        (f'{SHORT}[global]\n"a]\\n[x" = "b"\n', 4, "is no name of a parameter of smb.conf(5)"),
        (
            f'{SHORT}[share]\n"root preexec" = "sh"\n',
            4,
            "'root preexec = sh' cannot be set: it is left",
        ),
        (f'{SHORT}[shares.x]\n"vfs objects" = "mine"\n', 4, "mine is no VFS module that is known to keep to"),
        (f'{SHORT}[global]\n"server min protocl" = "SMB3"\n', 4, "did you mean 'server min protocol'?"),
        (f'{SHORT}[share]\n"ntlm auth" = "disabled"\n', 4, "belongs into [global]: a share has no such"),
        (f'{SHORT}[shares.global]\ncomment = "b"\n', 3, "'global' is no share"),
        (f"{SHORT}[client]\nsmb1 = true\n", 4, "client.smb1: must be False, not True"),
        (f"{SHORT}[client]\nsigning = true\n", 4, "no key is called 'client.signing', did you mean 'req"),
        (f'{HEAD}[look]\nsigning = "yes"\n', 6, "look.signing: must be 'required' or 'not required'"),
        (
            f'{HEAD}[look]\ndialect = {{oldest = "SMB 3"}}\n',
            6,
            "look.dialect.oldest: must be a dialect (S",
        ),
        (f'{HEAD}[look]\ndialect.oldset = "3.0"\n', 6, "did you mean 'oldest'?"),
        (f'{HEAD}[look]\nauth.refused = ["NTLM"]\n', 6, "look.auth.refused.0: must be 'LM', 'NTLMv1'"),
        (f"{HEAD}[look.auth]\n", 5, "look.auth: names nothing to look for"),
        (f'{SHORT}[client]\nsmb1 = false\n[look]\npipe = "refused"\n', 5, "look: is for changes of a server"),
        (f'{SHORT}[global\na = "b"\n', 3, "Expected ']' at the end of a table declaration"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(made: Made, text: str, line: int, what: str) -> None:
    with pytest.raises(UsageError) as raised:
        made(text)
    assert f"ours.toml:{line}: " in raised.value.message
    assert what in raised.value.message
    assert "\n" not in str(raised.value)


def test_a_line_is_found_where_something_begins() -> None:
    text = "# x\na = 1\n\n[b]\nc = [\n 1,\n]\n[[d]]\ne=1\n[[d]]\nf.g=3\n"
    places = {
        ("a",): 2,
        ("b",): 4,
        ("b", "c"): 5,
        ("b", "c", 0): 5,
        ("d", 1, "f", "g"): 11,
        ("d", 1, "z"): 10,
    }
    assert {place: line_of(text, place) for place in places} == places
    assert line_of("a = 1\n" + "# \n" * 1000, ("a",)) == 0


def test_a_catalogue_has_it_and_a_combination_too(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(WHOLE)
    catalogue = CATALOGUE.adding(*in_folder(Kind.MITIGATION, tmp_path))
    assert "ours" in catalogue.mitigations
    both = catalogue.mitigation("ours+signing-required")
    server = catalogue.servers["samba-4.22-smb1"]
    assert both.changed(server.state, server).conf.globals["server signing"] == "mandatory"


LOOKS = {
    "the wire": WHOLE,
    "sessions": f"""{SHORT}[global]
"server signing" = "mandatory"
"smb encrypt" = "required"
"nt pipe support" = false
"server smb3 encryption algorithms" = "AES-256-GCM"
[look]
signing = "required"
encryption = "required"
pipe = "refused"
browse.refused = ["NTLMv2"]
cipher = {{refused = ["AES-128-GCM"], accepted = ["AES-256-GCM"]}}
""",
    "an option": f"""{SHORT}[global]
"server max protocol" = "SMB2_10"
[share]
writeable = "0"
[look]
dialect.newest = "2.1"
share-option."read only" = "TRUE"
""",
    # Nothing to look for: other names of parameters, words that are written in several ways, and a share.
    "configuration": f"""{SHORT}[global]
"min protocol" = "SMB3"
"smb encrypt" = "mandatory"
deadtime = 7
[share]
writable = "0"
"hide dot files" = "0"
""",
    "nothing else": f"""{SHORT}[global]
deadtime = 7
[share]
"hide dot files" = "0"
[look]
share-option."hide dot files" = false
""",
}
ALONE = ("configuration", "nothing else")
"""Where nothing but the configuration is looked at."""


@pytest.mark.local_lab
def test_each_thing_to_look_for_is_seen_to_come_and_to_go(
    serve: Callable[[str], LiveServer], made: Made
) -> None:
    """On one server; where the configuration alone is looked at, that is said, with what the wire says."""
    live = serve("samba-4.22-smb1")
    before = live.state
    for name, text in LOOKS.items():
        ours = made(text)
        was = ours.verify(live)
        assert (was.in_effect, was.visible) == (False, True), (name, was)
        try:
            ours.apply(live)
            now = ours.verify(live)
        finally:
            ours.revert(live, before)
        assert (now.in_effect, now.visible) == (True, True), (name, now)
        assert ("testparm reads " in now.evidence) is (name in ("an option", *ALONE)), (name, now)
        assert now.by_configuration is was.by_configuration is (name in ALONE), (name, now)
        differs = on_the_wire(was, now)
        assert bool(differs) is (name == "configuration"), (name, differs)
        assert ours.verify(live).in_effect is False, name
