"""``rehearse fleet`` end to end: from samples to a sentence that counts machines, as docs/fleet.md tells."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commandline import rehearse, users
from known import CATALOGUE
from pages import DOCS, examples

from harness.errors import UsageError
from harness.fleet import intake, opening, store
from harness.fleet.records import Record
from harness.fleet.sighting import Logon, Role
from harness.labs.local import LocalLab
from harness.model import Dialect
from harness.system import files
from harness.system.process import run

SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "field" / "inventory"
_WORDS = "|".join(
    re.escape(word)
    for word in (*map(str, (*Dialect, *Logon, *Role)), *Record.__dataclass_fields__, *CATALOGUE.clients)
)
OURS = re.compile(
    # Hashes; of names with a domain two of them; of lines of a list where and what; numbers of files.
    r"(ipv4|ipv6|name)-[0-9a-f]{16}(\.[0-9a-f]{16})?|[0-9a-f]{16}(:[0-9a-f]{16})?"
    # Moments, dialects that nobody knows, words of makes that words.toml has.
    rf"|\d{{4}}-\d\d-\d\dT[\d:.+]+|SMB3_12|{_WORDS}"
    r"|windows[a-z0-9 ./]*|linux kernel cifs|linux kernel"
)
MAY_NAME = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A project with the samples of the page."""
    (tmp_path / "rehearsal.toml").write_text('[defaults]\nfleet = "office"\n')
    (sample,) = (block for block in examples("fleet.md", "text") if block.startswith("Samba version"))
    (listed,) = (block for block in examples("fleet.md", "text") if block.startswith("client,"))
    (tmp_path / "sessions.txt").write_text(sample)
    (tmp_path / "inventory.csv").write_text(listed)
    return tmp_path


def fleet(office: Path, *words: str | Path) -> tuple[int, str]:
    """The exit status, and all that was said, on one line and without the folder."""
    done = rehearse("fleet", "--project", office, *words)
    assert "Traceback" not in done.stderr
    return done.status or 0, " ".join(f"{done.stdout} {done.stderr}".split()).replace(f"{office}/", "")


def imported(office: Path, *more: str) -> str:
    status, said = fleet(office, "import", office / "sessions.txt", office / "inventory.csv", *more)
    assert status == 0, said
    return said


def test_the_page_says_what_is_read_and_seen(office: Path) -> None:
    said = imported(office)
    (page,) = (block for block in examples("fleet.md", "text") if block.startswith("sessions.txt"))
    for line in page.splitlines():
        # The page's fleet is in no project.
        assert line.replace("the fleet", "fleet office") in said
    status, shown = fleet(office, "show", "--machines")
    assert status == 0
    assert "19 machines that connect" in shown
    assert "2 unknown SMB1 clients: SMB1" in shown
    assert "1 like windows-7: SMB 2.1" in shown
    assert "pc-accounts (192.0.2.21): perhaps" in shown
    assert not re.search("anna|bert", shown)


def test_the_same_file_again_counts_once_and_users_are_not_kept(office: Path) -> None:
    imported(office)
    before = (office / "fleet" / "office.json").read_bytes()
    said = imported(office)
    assert said.count("the same file counts once") == 2
    assert "19 machines, 19 before" in said
    assert (office / "fleet" / "office.json").read_bytes() == before
    assert not re.search(b"anna|bert|staff", before)


def test_a_later_sample_is_compared_and_changes_nothing(office: Path) -> None:
    imported(office)
    kept = (office / "fleet" / "office.json").read_bytes()
    later = (office / "sessions.txt").read_text()
    later = later.replace("192.0.2.41", "192.0.2.49").replace("SMB3_11 ", "NT1     ")
    (office / "later.txt").write_text(later)
    status, said = fleet(office, "watch", office / "later.txt", "--json")
    assert status == 1
    found = json.loads(said)
    assert [(one["news"], one["machine"]) for one in found["changes"]][:2] == [
        ("new SMB1 machine", "192.0.2.49"),
        ("changed for the worse", "pc-accounts"),
    ]
    assert ("not seen any more", "192.0.2.41") in [(one["news"], one["machine"]) for one in found["changes"]]
    assert (office / "fleet" / "office.json").read_bytes() == kept
    assert fleet(office, "watch", office / "sessions.txt", office / "inventory.csv")[0] == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["show"], "there is no fleet called 'office'"),
        (["show", "--fleet", "../x"], "is no name of a fleet"),
        (["import", "missing.txt"], "missing.txt: cannot be read"),
        (["import", "rehearsal.toml", "--as", "smbstatsu"], "no kind of source is called so"),
        (["watch", "sessions.txt"], "begin one: rehearse fleet import FILE"),
    ],
)
def test_a_mistake_is_one_line(office: Path, words: list[str], why: str) -> None:
    there = {one.name for one in office.iterdir()} | {"missing.txt"}
    status, said = fleet(office, *(office / word if word in there else word for word in words))
    assert status == 64
    assert why in said


def test_without_an_operation_it_shows_its_help(office: Path) -> None:
    status, said = fleet(office)
    assert status == 64
    assert "examples:" in said


def test_the_help_lists_what_can_be_read(office: Path) -> None:
    status, said = fleet(office, "import", "--help")
    assert status == 0
    assert all(f" {kind} " in said for kind in opening.kinds())


def test_what_can_be_read_is_read_beside_what_cannot(office: Path) -> None:
    (office / "empty.txt").write_text("")
    status, said = fleet(office, "import", office / "empty.txt", office / "sessions.txt")
    assert status == 1
    assert "not read: " in said
    assert "4 machines in 4 sightings" in said


def test_the_next_command_shows_the_fleet_that_was_read_into(office: Path) -> None:
    for more, command in (((), "fleet show"), (("--fleet", "west"), "fleet show --fleet west")):
        _, said = fleet(office, "import", office / "sessions.txt", *more)
        assert said.rstrip().endswith(f"next: rehearse {command}")


def test_what_a_machine_serves_is_told_of_one_that_only_serves(office: Path) -> None:
    (office / "scan.txt").write_text(
        "Nmap scan report for nas.lab (10.1.1.30)\n445/tcp open  microsoft-ds\nHost script results:\n"
        "| smb-protocols: \n|   dialects: \n|     NT LM 0.12 (SMBv1) [dangerous, but default]\n|_    2:1:0\n"
    )
    _, said = fleet(office, "import", office / "scan.txt")
    assert "0 connect, 0 of them of a known kind; 1 was seen only to serve" in said
    _, shown = fleet(office, "show", "--machines")
    assert "1 of no known kind: serves SMB1, SMB 2.1" in shown
    assert "nas.lab (10.1.1.30): no known kind nothing that was seen tells its kind; serves SMB1" in shown


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the collected samples are not beside the checkout")
def test_nothing_of_the_samples_names_anybody_when_addresses_are_hidden(tmp_path: Path) -> None:
    """No address and no name of any sample is in the stored fleet."""
    path = tmp_path / "office.json"
    names: set[str] = set()
    read = 0
    with store.updating(path, hashed=True) as stored:
        for sample in sorted(SAMPLES.iterdir()):
            if sample.suffix == ".md":
                continue
            names |= set(MAY_NAME.findall(sample.read_text(errors="replace")))
            try:
                read += bool(intake.take(stored, sample, "", tuple).sightings)
            except UsageError:
                continue
        known = {one.name for one in stored.records} | {one.address for one in stored.records}
    text = files.text(path)
    document = json.loads(text)
    assert read > 12
    # Everything in it is a hash, a word of ours, or a moment: nothing of a source's own words is left.
    said = {word for record in document["records"] for word in strings(record)}
    assert [word for word in sorted(said) if not OURS.fullmatch(word)] == []
    assert [name for name in sorted({*names, *known} - {""}) if f'"{name}"' in text] == []
    assert not MAY_NAME.search(json.dumps(document["records"]))


def strings(value: object) -> Iterator[str]:
    """Every string of a JSON document, keys among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *strings(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def test_a_kill_in_the_middle_leaves_the_fleet_as_it_was(office: Path) -> None:
    """The last moment before the file is replaced is the worst one."""
    imported(office)
    path = office / "fleet" / "office.json"
    before = path.read_bytes()
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom harness.fleet import store\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "with store.updating(Path(sys.argv[1])) as stored:\n    stored.records.clear()\n"
    )
    done = run([sys.executable, "-c", code, str(path)], timeout=60, env=users())
    assert done.status in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert path.read_bytes() == before
    assert "19 machines, 19 before" in imported(office)


@pytest.mark.local_lab
def test_a_run_speaks_of_the_machines_and_needs_the_fleet_no_more(lab: LocalLab, office: Path) -> None:
    assert lab
    imported(office)
    runs = office / "runs"
    asked = "smb3-only:samba-4.22-smb1", "--only", "*:*:*:write", "--no-exposures"
    done = rehearse("run", "--project", office, "--runs", runs, *asked, "--json")
    assert done.status == 1, done.stderr
    assert "fleet office: 19 machines, 23 kinds of client rehearsed" in done.stderr
    document = json.loads(done.stdout)
    (found,) = [one["machines"] for one in document["balances"] if one["machines"]]
    assert (found["total"], found["lost"], found["perhaps"], found["kept"]) == (19, 4, 2, 13)
    (office / "fleet" / "office.json").unlink()
    again = rehearse("report", "--project", office, "--runs", runs, "--lang", "en")
    (sentence,) = (block for block in examples("fleet.md", "text") if "lose write" in block)
    assert " ".join(sentence.split()) in " ".join(again.stdout.split())
    plan = (next(runs.glob("*/plan.json"))).read_text()
    assert '"fleet"' in plan
    assert "192.0.2" not in plan
    assert "pc-accounts" not in plan


def test_the_page_names_only_clients_that_there_are() -> None:
    (listed,) = (block for block in examples("fleet.md", "text") if block.startswith("client,"))
    assert {line.partition(",")[0] for line in listed.splitlines()[1:]} <= set(CATALOGUE.clients)
    assert (DOCS / "fleet.md").is_file()
