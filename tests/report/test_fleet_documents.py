"""What ``rehearse fleet`` prints as JSON is as the published schemas say."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from known import CATALOGUE
from pages import examples

from harness.fleet import intake, planned, store, watching
from harness.fleet.machine import Fleet
from harness.fleet.merging import machines
from harness.fleet.placing import Placing
from harness.fleet.store import Stored
from harness.report import fleet as report
from harness.report.documents.fleet import import_json, schema, show_json, watch_json
from harness.report.language import DEFAULT, language
from harness.result.machines import MachineGroup

AUTH = (
    '{"timestamp": "2026-05-01T10:00:00.000000+0200", "type": "Authentication", "Authentication": {"status": '
    '"NT_STATUS_OK", "serviceDescription": "SMB", "authDescription": null, "remoteAddress": '
    '"ipv4:192.0.2.40:1037", "workstation": "SCANNER", "becameSid": null, "passwordType": "NTLMv1"}}\n'
)
DEVICES = "hostname,ip,model\nnas-1,192.0.2.60,\\ud800\x1b[31m box\n"
SCAN = "SMB  192.0.2.9  445  FS  [*] Windows Server 2022 (name:FS) (signing:False) (SMBv1:True)\n"


@pytest.fixture
def fleet(tmp_path: Path) -> tuple[Fleet, Stored, list[intake.Read]]:
    """Clients, servers and listed devices, a line that nobody understands, a file that cannot be read."""
    (sample,) = (block for block in examples("fleet.md", "text") if block.startswith("Samba version"))
    (listed,) = (block for block in examples("fleet.md", "text") if block.startswith("client,"))
    texts = {"sessions.txt": sample, "odd.txt": f"{sample}odd\n", "auth.json": AUTH, "devices.csv": DEVICES}
    stored = Stored("office")
    done = [intake.Read("gone.txt", failed="is not there")]
    for name, text in {**texts, "inventory.csv": listed, "scan.txt": SCAN}.items():
        (tmp_path / name).write_text(text)
        done.append(intake.take(stored, tmp_path / name, "", tuple))
    done.append(intake.take(stored, tmp_path / "sessions.txt", "", tuple))
    return Placing(CATALOGUE.clients).fleet(machines(stored.records), "office"), stored, done


def valid(operation: str, text: str) -> dict[str, object]:
    document: dict[str, object] = json.loads(text)
    jsonschema.Draft202012Validator(schema(operation)).validate(document)
    return document


def test_the_documents_are_as_their_schemas_say(fleet: tuple[Fleet, Stored, list[intake.Read]]) -> None:
    found, stored, done = fleet
    read = valid("import", import_json(intake.Imported(found, done, 0, "office.json", hashed=False)))
    assert [bool(one["failed"]) for one in read["files"]] == [True] + [False] * 7  # type: ignore[attr-defined]
    assert sum(bool(one["read_before"]) for one in read["files"]) == 1  # type: ignore[attr-defined]
    shown = valid("show", show_json(found, stored))
    roles = {one["role"] for one in shown["each"]}  # type: ignore[attr-defined]
    assert roles == {"client", "server", "listed"}
    scanner = next(one for one in shown["each"] if one["machine"] == "SCANNER")  # type: ignore[attr-defined]
    assert list(scanner["logons"]) == ["NTLMv1"]
    more = [planned.More(MachineGroup(("windows-7",), 2, False, ""), 1)]
    changes = watching.compared(stored.records[:1], stored.records, Placing(CATALOGUE.clients), "office")
    later = valid("watch", watch_json("office", changes, done, more))
    assert later["changes"]
    assert later["beyond_the_plan"] == [{"clients": ["windows-7"], "more": 2, "planned": 1}]


def test_a_wrong_server_name_is_a_fact_of_its_own(tmp_path: Path) -> None:
    """Events 3024 to 3026 of Windows Server 2025, from the file to the store, the list and the document."""
    event = (
        "<Event><System><Provider Name='Microsoft-Windows-SMBServer'/><EventID>3025</EventID>"
        "<Channel>Microsoft-Windows-SMBServer/Audit</Channel></System>"
        "<EventData><Data Name='ClientName'>192.0.2.21</Data></EventData></Event>\n"
    )
    (tmp_path / "spn.xml").write_text(event)
    (tmp_path / "now.csv").write_text("ClientComputerName,Dialect\n192.0.2.21,3.1.1\n192.0.2.22,3.1.1\n")
    with store.updating(tmp_path / "office.json") as stored:
        for name in ("spn.xml", "now.csv"):
            intake.take(stored, tmp_path / name, "", tuple)
    kept = store.load(tmp_path / "office.json")
    found = machines(kept.records)
    assert [one.wrong_spn for one in found] == [True, False]
    first, second = (report.facts([one], language(DEFAULT)) for one in found)
    assert first == "SMB 3.1.1; no logon known; sends no right server name (SPN)"
    assert second == "SMB 3.1.1; no logon known"
    fleet = Placing(CATALOGUE.clients).fleet(found, "office")
    each = json.loads(show_json(fleet, kept))["each"]
    assert [(one["wrong_spn"], one["dialects"]) for one in each] == [
        (True, {"3.1.1": ""}),
        (False, {"3.1.1": ""}),
    ]
