"""The commands of ``rehearse fleet audit``: by release, and a real smbd that is audited by them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from inventory import read
from known import CATALOGUE

from harness.cli.main import main
from harness.errors import UsageError
from harness.fleet import importers
from harness.fleet.auditing.asked import audit_of
from harness.fleet.auditing.audit import Audit, Step
from harness.fleet.auditing.windows import RELEASES
from harness.fleet.sighting import Logon
from harness.labs import namespace
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.model import Check, Dialect, Outcome
from harness.report.fleet_audit import as_json, as_markdown, as_text
from harness.smb.control import try_session
from harness.system.process import run

SAMBAS = [
    "samba-3.0",
    "samba-3.6",
    "samba-4.1",
    "samba-4.6",
    "samba-4.7",
    "samba-4.16",
    "samba-4.17",
    "samba",
]
WINDOWS = [f"windows-{name}" for name in RELEASES]


def steps(audit: Audit) -> list[Step]:
    return [*audit.on, *(one.step for one in audit.exports), *audit.off]


def commands(audit: Audit) -> str:
    return "\n".join(command for step in steps(audit) for command in step.commands)


@pytest.mark.parametrize("word", [*SAMBAS, *WINDOWS])
def test_what_is_exported_is_read_by_an_importer_that_there_is(word: str) -> None:
    assert {one.kind for one in audit_of(word).exports} <= set(importers.by_name())


@pytest.mark.parametrize("word", SAMBAS)
def test_a_shell_reads_the_commands_of_samba(word: str) -> None:
    run(["sh", "-n", "-c", commands(audit_of(word))], timeout=20).check("a shell that reads the commands")


@pytest.mark.parametrize(
    ("word", "has", "has_not"),
    [
        ("samba-3.6.3", ["log level = 3\n", "smbstatus >"], ["auth_json_audit", "--json"]),
        ("samba-4.16", ["log level = 3 auth_json_audit:3", "smbstatus >"], ["--json"]),
        ("Samba 4.17.12-Debian", ["auth_json_audit:3", "smbstatus --json"], []),
        (
            "windows-7",
            ["-Name AuditSmb1Access"],
            ["Get-Smb", "Set-Smb", "ScheduledTask", "AuditClientDoesNotSupportSigning"],
        ),
        (
            "windows-server-2019",
            ["Set-SmbServerConfiguration -AuditSmb1Access $true", "-Name AuditClientDoesNotSupportSigning"],
            ["-AuditClientDoesNotSupportEncryption"],
        ),
        (
            "windows-server-2025",
            ["-AuditClientDoesNotSupportSigning $true", "-AuditClientDoesNotSupportEncryption $true"],
            ["-Name AuditClientDoesNotSupportSigning"],
        ),
    ],
)
def test_a_release_is_asked_for_what_it_can_do(word: str, has: list[str], has_not: list[str]) -> None:
    text = commands(audit_of(word))
    assert [part for part in has if part not in text] == []
    assert [part for part in has_not if part in text] == []


@pytest.mark.parametrize("word", [*SAMBAS, *WINDOWS])
def test_everything_that_is_turned_on_is_turned_off_again(word: str) -> None:
    audit = audit_of(word)
    on = "\n".join(command for step in audit.on for command in step.commands)
    off = "\n".join(command for step in audit.off for command in step.commands)
    for name in re.findall(r"-(Audit\w+) \$true", on):
        assert f"-{name} $false" in off
    for name in re.findall(r"New-ItemProperty .* -Name (\w+)", on):
        assert f"-Name {name} " in off
    for one, other in [
        ("auditpol /backup", "auditpol /restore"),
        (
            "Register-ScheduledTask -TaskName RehearseFleetAudit",
            "Unregister-ScheduledTask -TaskName RehearseFleet",
        ),
        ("/etc/cron.d/rehearse-fleet-audit", "rm -f /etc/cron.d/rehearse-fleet-audit"),
        ("cat >> /etc/samba/smb.conf", "sed -i"),
        ("/ms:134217728", "/ms:8388608"),
    ]:
        assert (one in on) == (other in off)


@pytest.mark.parametrize("word", ["samba-2.2", "windows-98", "netapp", "", "samba-4", "server-2019"])
def test_what_is_not_known_is_said_with_what_there_is(word: str) -> None:
    with pytest.raises(UsageError):
        audit_of(word)


@pytest.mark.parametrize("days", [0, 401])
def test_days_have_bounds(days: int) -> None:
    with pytest.raises(UsageError, match="--days"):
        audit_of("samba", days)


def test_the_three_forms_have_the_same_commands(capsys: pytest.CaptureFixture[str]) -> None:
    audits = [audit_of("samba-4.17"), audit_of("windows-server-2019")]
    document = json.loads(as_json(audits))
    for audit, part in zip(audits, document["audits"], strict=True):
        for step in [*part["on"], *part["export"], *part["off"]]:
            for command in step["commands"]:
                assert command in as_text([audit])
                assert command in as_markdown([audit])
    assert main(["fleet", "audit", "samba-4.17", "windows-server-2019", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document


@pytest.mark.local_lab
def test_a_real_smbd_is_audited_by_the_very_commands(lab: LocalLab, tmp_path: Path) -> None:
    with lab.serve(CATALOGUE.servers["samba-4.17"]) as live:
        assert isinstance(live, SambaServer)
        home = live._home
        conf = home.outside / "smb.conf"
        before = conf.read_text()
        audit = audit_of("samba-4.17", conf=str(conf), logs=str(home.outside / "log"))
        # The image has Samba and no shell: its programs are called from ours, by the path that they know.
        image = lab.root(live.state.image)
        for name in ("smbcontrol", "testparm"):
            argv = shlex.join(namespace.in_image(image, [f"/usr/bin/{name}"]))
            script = f'#!/bin/bash\nout={home.outside} in={home.inside}\nexec {argv} "${{@/$out/$in}}"\n'
            (tmp_path / name).write_text(script)
            (tmp_path / name).chmod(0o755)

        def done(step: Step) -> None:
            for command in step.commands:
                path = f"PATH={shlex.quote(str(tmp_path))}:$PATH; {command}"
                run(["/bin/sh", "-e", "-c", path], timeout=60).check(command)

        # Neither smbstatus nor cron runs as the lab's user: the snapshots are left out.
        done(audit.on[0])
        assert "log level = 3 auth_json_audit:3" in conf.read_text()
        made = try_session(live.target, Check.OPEN, dialects=(Dialect.SMB2_10,))
        assert made.outcome is Outcome.OK, made
        done(audit.off[0])
        assert conf.read_text().rstrip("\n") == before.rstrip("\n")
        log = (home.outside / "log" / "log.smbd").read_text()
    # The lab's servers are reached over the loopback device, whose addresses are nobody's.
    kept = tmp_path / "log.smbd"
    kept.write_text(re.sub(r"\b127(?:\.\d{1,3}){3}\b", "10.0.0.9", log))
    sightings, opened = read(kept)
    assert opened.kind == audit.exports[1].kind == "smbd-log"
    assert {one.address for one in sightings} == {"10.0.0.9"}
    assert Dialect.SMB2_10 in {one.dialect for one in sightings}
    assert Logon.NTLMV2 in {one.logon for one in sightings}
