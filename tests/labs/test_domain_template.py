"""What the domain of the lab is made of, and what is made of its template: no server is started here."""

from __future__ import annotations

import io
import socket
import struct
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs import doctor
from harness.labs.domain import TEMPLATE, conf, copying, names, template
from harness.labs.domain.conf import Addresses
from harness.labs.finding import State
from harness.planning import planner
from harness.servers.base import Conf
from harness.servers.in_domain import DC, IMAGE, MEMBERS
from harness.system.image import Image

AT = Addresses("127.10.0.7", "127.10.0.8")
MEMBER = MEMBERS[0]


def a_record(address: str) -> bytes:
    """As the database of the domain controller has it ([MS-DNSP] 2.3.2.2)."""
    head = struct.pack("<HHBBHI", 4, 1, 5, 0xF0, 0, 1)
    return head + struct.pack(">I", 900) + bytes(8) + socket.inet_aton(address)


def made_template(folder: Path) -> Path:
    folder.mkdir()
    zone = b"before" + a_record(copying.ADDRESSES.controller) + a_record(copying.ADDRESSES.member) + b"after"
    files = {
        "dc1/private/secret": (0o600, b"s"),
        "dc1/private/sam.ldb.d/DC=DOMAINDNSZONES,DC=LAB,DC=TEST.ldb": (0o600, zone),
        "files/private/secrets.tdb": (0o600, b"t"),
    }
    with tarfile.open(folder / copying.TAR, "w:gz") as archive:
        for path in ("dc1", "dc1/private", "dc1/private/sam.ldb.d", "files", "files/private"):
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o700 if path.endswith("private") else 0o755
            archive.addfile(entry)
        for path, (mode, content) in files.items():
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = mode, len(content)
            archive.addfile(entry, io.BytesIO(content))
    facts = copying.Facts(
        sha256=copying.Facts.digest(folder / copying.TAR), passwords={"alice": "Aa1-of-alice"}
    )
    (folder / copying.FACTS).write_text(facts.model_dump_json())
    return folder


def test_a_copy_has_what_is_the_machines_own_and_nobody_else_reads_it(tmp_path: Path) -> None:
    made = made_template(tmp_path / "template")
    into = tmp_path / "copy"
    into.mkdir()
    copying.unpack(made, "dc1", into)
    assert (into / "private/secret").read_bytes() == b"s"
    # Else samba(8) does not start: it wants to have these to itself.
    assert (into / "private").stat().st_mode & 0o777 == 0o700
    assert (into / "private/secret").stat().st_mode & 0o777 == 0o600
    assert not list(into.rglob("secrets.tdb"))


def test_its_dns_says_the_addresses_of_the_lab(tmp_path: Path) -> None:
    copying.unpack(made_template(tmp_path / "template"), "dc1", tmp_path)
    copying.readdress(tmp_path, AT)
    (zone,) = (tmp_path / "private/sam.ldb.d").iterdir()
    assert zone.read_bytes() == b"before" + a_record(AT.controller) + a_record(AT.member) + b"after"
    assert zone.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("file", "content"), [(copying.TAR, b"x"), (copying.FACTS, b"{"), (copying.FACTS, b'{"sha256": ""}')]
)
def test_a_damaged_template_is_known(tmp_path: Path, file: str, content: bytes) -> None:
    made = made_template(tmp_path / "template")
    copying.check(made)
    with (made / file).open("r+b") as damaged:
        damaged.truncate(0)
        damaged.write(content)
    with pytest.raises(LabFault, match=r"template .* is damaged") as caught:
        copying.check(made)
    assert "rehearse clean --images" in str(caught.value)
    with pytest.raises(LabFault, match=r"template .* is damaged"):
        copying.unpack(made, "dc1", tmp_path)


def test_the_confs_keep_everything_in_the_servers_own_folder() -> None:
    inside = Path("/mnt/1-files")
    own = Conf({"ntlm auth": "disabled"}, {"guest ok": "no"})
    share = conf.share_of("share", inside, own)
    for text in (
        conf.controller(own, inside, AT.controller, share),
        conf.member(own, inside, AT.member, MEMBER, share),
    ):
        lines = text.splitlines()
        places = [line for line in lines if " dir" in line.partition("=")[0] or "log file" in line]
        assert len(places) >= 7
        assert all(line.partition("= ")[2].startswith(f"{inside}/") for line in places)
        assert lines.index("ntlm auth = disabled") < lines.index("[share]") < lines.index("guest ok = no")
        assert f"interfaces = {AT.member}/8" in lines or f"interfaces = {AT.controller}/8" in lines


def test_a_server_finds_its_own_domain_controller_and_no_other() -> None:
    own = conf.files(MEMBER, AT)
    assert f"{AT.controller} dc1.lab.test dc1\n{AT.member} files.lab.test files\n" in own["etc/hosts"]
    assert f"kdc = {AT.controller}\n" in own["etc/krb5.conf"]
    assert own["etc/resolv.conf"].startswith(f"nameserver {AT.controller}\n")
    assert AT.member not in conf.files(DC, AT)["etc/hosts"]


@contextmanager
def a_dns(address: str, answer: bytes, flags: int, answers: int) -> Iterator[None]:
    """Answers one question."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind((address, 53))

        def serve() -> None:
            asked, whom = here.recvfrom(512)
            here.sendto(asked[:2] + struct.pack(">5H", flags, 1, answers, 0, 0) + asked[12:] + answer, whom)

        served = threading.Thread(target=serve)
        served.start()
        yield
        served.join()


@pytest.mark.local_lab
def test_the_dns_is_asked() -> None:
    there = struct.pack(">3HIH", 0xC00C, 1, 1, 900, 4) + socket.inet_aton("127.1.2.3")
    place = "127.77.0.1"
    with a_dns(place, there, 0x8180, 1):
        assert names.address_of(place, "files.lab.test", 20) == "127.1.2.3"
    with a_dns(place, b"", 0x8183, 0):
        assert names.address_of(place, "nobody.lab.test", 20) == ""
    # A server failure is no answer to the question.
    with a_dns(place, b"", 0x8182, 0), pytest.raises(OSError, match="did not say where"):
        names.address_of(place, "files.lab.test", 20)


def quiet(name: str, done: float, text: str) -> None:
    """Nothing to show."""


@pytest.mark.local_lab
def test_where_no_domain_can_be_made_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else is rehearsed goes on; who wants the domain is told at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = {IMAGE: tmp_path / "no-such-image", "trixie": tmp_path}
    assert template.status().state == "missing"
    # One that somebody was killed over: all is there but the last word.
    half = tmp_path / "cache" / "smb-rehearsal" / "domains" / template._name()
    half.mkdir(parents=True)
    made_template(half / "root")
    assert template.status().state == "corrupt"
    assert template.with_template({"trixie": tmp_path}, quiet) == {"trixie": tmp_path}
    assert template.with_template(found, quiet) == found
    assert TEMPLATE not in found
    assert "this machine has no domain: the domain cannot be made: cannot mount" in str(template.lacking())
    assert template.status().state == "corrupt"
    assert [path.name for path in (tmp_path / "cache").rglob(".building*")] == []


def test_the_doctor_tells_of_the_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def told(images: dict[str, Image]) -> list[tuple[State, str]]:
        return [(one.state, one.detail) for one in doctor.examine(images) if one.name == "domain"]

    assert told(dict(CATALOGUE.images)) == [(State.OPTIONAL, f"the image {IMAGE} is not built")]
    assert told({"trixie": CATALOGUE.images["trixie"]}) == []


def test_a_pattern_means_a_domains_servers_only_where_it_fits_nothing_else() -> None:
    def servers(selector: str) -> set[str]:
        made = planner.from_selectors(CATALOGUE, [selector])
        return {cell.server for cell in made.cells}

    for pattern in ("*", "samba-*"):
        found = servers(f"none:{pattern}:smbclient:open")
        assert "samba-4.22" in found
        assert not any(CATALOGUE.servers[name].in_domain for name in found)
    assert {"samba-ad-dc", "samba-ad-member"} <= servers("none:samba-ad-*:smbclient:open")
    made = planner.from_selectors(CATALOGUE, ["none:samba-ad-member-4.17:smbclient:open"])
    # The domain controller's image, too.
    assert {"bookworm-domain", IMAGE} <= set(made.images(CATALOGUE))
