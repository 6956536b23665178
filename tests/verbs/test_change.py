"""``rehearse change``: an office's own smb.conf through a change and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commandline import rehearse
from known import CATALOGUE

from harness.catalogue.sources import server_in
from harness.importing.differing import appearing
from harness.labs.local import LocalLab
from harness.model import Tier
from harness.planning import planner
from harness.servers import description
from harness.servers.base import Conf
from harness.servers.brought import Brought
from harness.verbs import change

OFFICE = """\
[global]
   workgroup = OFFICE
   min protocol = NT1
   ntlm auth = ntlmv1-permitted
   map to guest = Bad User
   vfs objects = fruit streams_xattr
   log file = /var/log/samba/log.%m
   load printers = yes

[homes]
   browseable = no
   read only = no
[documents]
   path = /srv/documents
   valid users = @office
   read only = no
   root preexec = touch /tmp/executed
[public]
   path = /srv/public
   guest ok = yes
   writeable = yes
[printers]
   printable = yes
   path = /var/spool/samba
"""
FIELD = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "field" / "smbconf"
COPIER = "office-scanner"
SHARES = ("--share", "documents", "--share", "public")


@dataclass(frozen=True)
class Done:
    """A change that was rehearsed."""

    status: int | None
    stderr: str
    document: dict[str, Any]

    def effects(self, client: str, check: str) -> dict[str, str]:
        """Server -> effect."""
        return {
            cell["server"]: cell["effect"]
            for cell in self.document["cells"]
            if cell["client"] == client and cell["check"] == check
        }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("office") / "smb.conf"
    file.write_text(OFFICE)
    return file


def changed(office: Path, *words: str) -> Done:
    clients = ("--client", COPIER, "--client", "smbclient")
    options = ("--release", "samba-4.17", "--no-exposures", "--quiet", "--json", "--name", "office")
    made = rehearse(
        "change", "--smb-conf", office, *options, *clients, *words, "--runs", office.parent / "runs"
    )
    return Done(made.status, made.stderr, json.loads(made.stdout) if made.stdout else {})


@pytest.mark.local_lab
def test_an_office_loses_its_copier_to_the_part_that_is_named(lab: LocalLab, office: Path) -> None:
    assert lab
    done = changed(
        office, "--set", "ntlm auth = ntlmv2-only", "--set", "[share] follow symlinks = no", *SHARES
    )
    assert done.status == 1, done.stderr
    assert "which is ntlmv2-only" in done.stderr
    assert "on 2 shares, as user, outsider, guest" in done.stderr
    scans = done.effects(COPIER, "write")
    assert set(scans) == {
        *("office@documents", "office@documents@outsider"),
        *("office@public", "office@public@guest"),
    }
    assert scans["office@documents"] == scans["office@public"] == "lost"
    # Whom the lists leave out was refused before, and a guest needs no password.
    assert scans["office@documents@outsider"] == "never"
    assert scans["office@public@guest"] == "kept"
    assert {*done.effects("smbclient", "write").values()} == {"kept", "never"}
    # What a server shows is asked once, whatever share is opened then.
    assert set(done.effects("smbclient", "browse")) == {
        *("office@documents", "office@documents@outsider", "office@public@guest"),
    }
    lost = next(cell for cell in done.document["cells"] if cell["effect"] == "lost")
    assert lost["mitigation"] == "set(ntlm auth=ntlmv2-only)+set([share] follow symlinks=no)"
    assert lost["restored"] is True
    assert "lost to set(ntlm auth=ntlmv2-only): the client answers with NTLMv1" in lost["cause"]
    assert not Path("/tmp/executed").exists()


def test_what_the_change_cannot_be_made_on_is_not_counted(tmp_path: Path) -> None:
    """A guest gives no password: a change of passwords is none for a share as guests use it."""
    brought = Brought(
        "office",
        (),
        "bookworm",
        Conf({"map to guest": "Bad User"}, sections={"public": {"guest ok": "yes"}, "docs": {}}),
    )
    description.write(tmp_path / "office.json", brought)
    catalogue = CATALOGUE.adding(server_in(tmp_path / "office.json"))
    selector = "set(ntlm auth=ntlmv2-only):office@*:smbclient:open"
    made = planner.from_selectors(catalogue, [selector], Tier.LOCAL)
    assert change._counted(made, catalogue) == "2 cells on 2 shares, as user"


def test_a_share_that_the_change_makes_available_is_asked() -> None:
    """By a line of the change, or as one that only the file after it has."""
    conf = Conf({}, sections={"docs": {}, "attic": {"available": "no"}, "fax": {"printable": "yes"}})
    lines = ("unset([attic] available)", "set([fax] available=yes)", "set([none] available=yes)", "smb3-only")
    assert appearing(conf, change._made_in(conf, lines)) == ("attic",)
    assert appearing(conf, conf) == ()


@pytest.mark.local_lab
def test_that_nobody_saw_a_difference_is_a_result(lab: LocalLab, office: Path) -> None:
    assert lab
    words = ("--share", "public", "--role", "user", "--check", "open", "--check", "write")
    done = changed(office, "--set", "[public] hide dot files = no", *words)
    assert done.status == 0, done.stderr
    (applied,) = done.document["applied"]
    assert applied["took_effect"] == (
        "testparm reads [public] hide dot files = No; on the wire: no difference"
    )
    assert applied["configuration_alone"]
    assert applied["unnoticed"]
    (server,) = done.document["servers"].values()
    assert any(
        told.startswith("[documents] root preexec = touch /tmp/executed") for told in server["instead"]
    )
    formats = {name: reported(office, done, name) for name in ("text", "ticket", "html")}
    assert "root preexec" in formats["ticket"]
    assert "root preexec" in formats["html"]
    assert "no client saw a difference" in formats["text"]
    assert "of the configuration done instead" in formats["text"]
    for shown in (formats["ticket"], formats["html"]):
        assert "No client saw a difference, and no hole was looked for" in shown
    assert "Yours, not built into smb-rehearsal: `office@public`" in formats["ticket"]
    assert "Yours, not built in: office@public<" in formats["html"]
    assert "public\\] of smb.conf" in formats["ticket"]
    assert "hide dot files = no" in formats["ticket"]


@pytest.mark.local_lab
def test_a_change_that_is_read_again_does_not_reach_who_is_connected(lab: LocalLab, office: Path) -> None:
    """And the users of this configuration can print."""
    assert lab
    who = ("--share", "documents", "--role", "user", "--client", "windows-7")
    done = changed(
        office,
        *("--set", "server signing = mandatory", "--by", "reload", *who),
        *("--check", "connected", "--check", "print"),
    )
    assert done.status == 0, done.stderr
    cells = {(cell["client"], cell["check"]): cell for cell in done.document["cells"]}
    connected = cells["windows-7", "connected"]
    assert connected["mitigation"] == "set(server signing=mandatory)@reload"
    seen = connected["phases"]["applied"]["connected"]
    assert (seen["fate"], seen["session"], seen["anew"], seen["outdated"]) == (
        "carried-on",
        "SMB 2.1, not signed",
        "SMB 2.1, signed",
        True,
    )
    assert {cells[name, "print"]["effect"] for name in ("windows-7", "smbclient")} == {"kept"}
    assert "THE CHANGE DOES NOT REACH THEM" in reported(office, done, "text")
    assert "smbcontrol smbd reload-config" in reported(office, done, "ticket")


def reported(office: Path, done: Done, form: str) -> str:
    """The run once more, in another format, its lines joined."""
    made = rehearse(
        *("report", str(done.document["run"]), "--format", form, "--lang", "en"),
        *("--runs", office.parent / "runs"),
    )
    return " ".join(made.stdout.split())


@pytest.mark.local_lab
def test_a_diff_of_the_file_is_the_change(lab: LocalLab, office: Path) -> None:
    assert lab
    (office.parent / "change.diff").write_text(
        "--- a/smb.conf\n+++ b/smb.conf\n@@ -2,3 +2,3 @@\n    workgroup = OFFICE\n"
        "-   min protocol = NT1\n+   server min protocol = SMB2\n    ntlm auth = ntlmv1-permitted\n"
        "@@ -18,7 +18,3 @@\n-[public]\n-   path = /srv/public\n-   guest ok = yes\n-   writeable = yes\n"
        "-[printers]\n-   printable = yes\n+[attic]\n    path = /var/spool/samba\n+   writeable = yes\n"
    )
    diff = str(office.parent / "change.diff")
    shares = (*SHARES, "--share", "attic")
    done = changed(office, "--diff", diff, *shares, "--role", "user", "--check", "write")
    change = "set(server min protocol=SMB2)+set([public] available=no)+set([attic] available=yes)"
    assert {cell["cell"]: cell["effect"] for cell in done.document["cells"]} == {
        f"{change}:office@documents:{COPIER}:write": "lost",
        f"{change}:office@documents:smbclient:write": "kept",
        f"{change}:office@public:{COPIER}:write": "lost",
        f"{change}:office@public:smbclient:write": "lost",
        f"{change}:office@attic:{COPIER}:write": "never",
        f"{change}:office@attic:smbclient:write": "gained",
    }
    new = done.document["cells"][-1]["phases"]
    for phase in ("baseline", "rolled_back"):
        assert (new[phase]["status"], new[phase]["step"]) == ("STATUS_BAD_NETWORK_NAME", "tree-connect")
    (gone,) = [cell["cause"] for cell in done.document["cells"] if "public:smbclient" in cell["cell"]]
    assert "the share is not there any more" in gone
    # What was not rehearsed, or not so, whoever decides must know, not only who typed.
    for form, begins in (("text", "note: "), ("ticket", "note: "), ("html", "<small>")):
        shown = reported(office, done, form).replace("\\", "")
        assert (
            f"{begins}the share [printers] is gone after the change: that it goes is not rehearsed" in shown
        )
        assert f"{begins}the share [public] is gone after the change: it is rehearsed as one" in shown
        new = "the share [attic] is new with the change: before the change it is rehearsed as one"
        assert f"{begins}{new}" in shown


@pytest.mark.local_lab
def test_a_fax_gateway_of_the_field_loses_its_senders(lab: LocalLab, tmp_path: Path) -> None:
    """FACTS.md of the files: its own old senders are what it is for; NTLMv1 users did not get in before."""
    assert lab
    file = FIELD / "20-fax-gateway-nt1-guest.conf"
    if not file.exists():
        pytest.skip("the files from the field are not here")
    clients = ("--client", COPIER, "--client", "smbclient", "--check", "write", "--share", "public")
    done = rehearse(
        *("change", "--smb-conf", file, "--set", "server min protocol = SMB3", *clients, "--name", "fax"),
        *("--release", "samba-4.22", "--no-exposures", "--quiet", "--json", "--runs", tmp_path),
    )
    assert done.status == 1, done.stderr
    effects = {cell["cell"].split(":", 1)[1]: cell["effect"] for cell in json.loads(done.stdout)["cells"]}
    assert effects == {
        f"fax@public:{COPIER}:write": "never",
        "fax@public:smbclient:write": "kept",
        f"fax@public@guest:{COPIER}:write": "lost",
        "fax@public@guest:smbclient:write": "kept",
    }


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "no configuration is named"),
        (["--smb-conf", "x", "--after", "y"], "--after says what --before becomes"),
        (["--before", "x"], "two files of a change"),
        (
            ["--smb-conf", "x", "--set", "a = b", "--by", "relod"],
            "ways: sighup, reload, close-share, restart",
        ),
        (["--smb-conf", "/nonexistent/smb.conf", "--set", "deadtime = 5"], "/nonexistent/smb.conf"),
        (["--smb-conf", "x", "--release", "samba-4.17", "--version", "4.17"], "the release is named twice"),
        (["--smb-conf", "x", "--version", "none", "--set", "a = b"], "no release of Samba can be read"),
    ],
)
def test_a_mistake_is_told_before_anything_is_started(words: list[str], why: str, tmp_path: Path) -> None:
    done = rehearse("change", *words, "--runs", tmp_path)
    assert done.status == 64
    assert why in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--set", "server signin = yes"], "did you mean 'server signing'?"),
        (["--set", "preexec = /bin/x"], "cannot be set in the lab: smbd would run a command"),
        (["--set", "[documents] server signing = yes"], "belongs into [global]"),
        (["--set", "[documents] path = /etc"], "cannot be set in the lab: the lab makes a folder of its own"),
        (["--set", "server min protocol = SMB9"], "with the change: testparm of Samba 4.17"),
        (["--set", "[docs] guest ok = yes"], "office has no share called 'docs'"),
        (["--set", "deadtime = 5", "--unset", "server signing"], "office does not set 'server signing'"),
        (["--set", "server signing"], "says no value"),
        (["--set", "deadtime = 5", "--share", "secret"], "has no such share and role; its shares: homes"),
    ],
)
def test_a_mistake_in_the_change_is_one_line(lab: LocalLab, office: Path, words: list[str], why: str) -> None:
    assert lab
    done = changed(office, *words)
    assert done.status == 64
    assert why in done.stderr.splitlines()[-1]
