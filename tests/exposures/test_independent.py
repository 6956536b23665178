"""nmap and smbtorture look at the same servers: what they say and what our probes say must agree."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torture_image
from exposure_configurations import CONFIGURATIONS, Configuration, look

from harness.labs.local import LocalLab
from harness.labs.roots.mounts import mount_image, unmount_image
from harness.model import Dialect, Hole, Sighting
from harness.servers.live import LiveServer
from harness.smb import control
from harness.system.process import run

pytestmark = pytest.mark.local_lab
STATES = [one for one in CONFIGURATIONS if not one.stopped and not one.wire]
Torture = Callable[[LiveServer, str, str], bool]
SCRIPTS = "smb-protocols,smb2-security-mode,smb-security-mode"
_NUMBERS = {
    Dialect.SMB2_02: "202",
    Dialect.SMB2_10: "210",
    Dialect.SMB3_00: "300",
    Dialect.SMB3_02: "302",
    Dialect.SMB3_11: "311",
}


def nmap(live: LiveServer) -> dict[str, str]:
    """What each of the three scripts printed; "" for one that had nothing to say."""
    target = live.target
    argv = ["nmap", "-n", "-Pn", f"-p{target.port}", "-oX", "-", "--script", SCRIPTS, target.address]
    said = run(argv, timeout=60).check("nmap")
    found = {
        element.get("id", ""): element.get("output", "")
        for element in ElementTree.fromstring(said.stdout).iter("script")
    }
    return {name: found.get(name, "") for name in SCRIPTS.split(",")}


def signing(output: str) -> Hole:
    """What a security-mode script says, as the state of "signing is not required"."""
    if not output:
        return Hole.NOT_EXPOSED
    return Hole.CLOSED if re.search(r"required\b", output) and "not required" not in output else Hole.OPEN


@dataclass(frozen=True)
class Seen:
    """What was seen of one server that was started once; None where the program to look with is lacking."""

    configuration: Configuration
    ours: Mapping[str, Sighting]
    spoken: Collection[Dialect]
    nmap: Mapping[str, str] | None
    smbtorture: tuple[bool, bool] | None
    """Whether base.negnowait got connections of SMB1, and smb2.connect one of SMB2."""


@pytest.fixture(scope="module", params=STATES, ids=lambda one: one.name)
def seen(request: pytest.FixtureRequest, lab: LocalLab, smbtorture: Torture | None) -> Seen:
    configuration: Configuration = request.param
    with lab.serve(configuration.made()) as live:
        return Seen(
            configuration,
            look(configuration, live),
            {
                dialect
                for dialect in Dialect
                # Offered with ciphers, 3.0 is refused where only AES-256 is allowed.
                if control.negotiate_only(live.target, (dialect,), ciphers=()).dialect is dialect
            },
            nmap(live) if shutil.which("nmap") else None,
            (smbtorture(live, "base.negnowait", "NT1"), smbtorture(live, "smb2.connect", "SMB3_11"))
            if smbtorture
            else None,
        )


def test_nmap_agrees(seen: Seen) -> None:
    if seen.nmap is None:
        pytest.skip("nmap is not installed: apt-get install nmap")
    # nmap 7.93 writes 202 and 300, 7.95 writes 2:0:2 and 3:0:0, and later ones 2.0.2 and 3.0.
    protocols = re.sub(
        r"\b\d(?:[.:]\d)+\b",
        lambda found: re.sub("[.:]", "", found[0]).ljust(3, "0"),
        seen.nmap["smb-protocols"],
    )
    ours, spoken = seen.ours, seen.spoken
    assert (Dialect.NT1 in spoken) is ("NT LM 0.12" in protocols)
    for dialect, number in _NUMBERS.items():
        assert (dialect in spoken) is (re.search(rf"\b{number}\b", protocols) is not None), dialect
    assert (ours["smb1-spoken"].state is Hole.OPEN) is ("NT LM 0.12" in protocols)
    assert (ours["smb2-spoken"].state is Hole.OPEN) is (re.search(r"\b(202|210)\b", protocols) is not None)
    assert_signing(ours, seen.nmap)


def assert_signing(ours: Mapping[str, Sighting], theirs: Mapping[str, str]) -> None:
    """The announced security modes."""
    assert ours["smb1-signing-not-required"].state is signing(theirs["smb-security-mode"]), theirs
    assert ours["smb2-signing-not-required"].state is signing(theirs["smb2-security-mode"]), theirs


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """Where its image is mounted; None where it is not built."""
    image = torture_image.root()
    if image is None:
        yield None
        return
    folder = tmp_path_factory.mktemp("smbtorture")
    (folder / "state").mkdir()
    mount_image(image, folder / "root", folder / "state")
    yield folder / "root"
    unmount_image(folder / "root")


@pytest.fixture(scope="module")
def smbtorture(mounted: Path | None) -> Torture | None:
    """Runs one of its tests on a server; answers whether it got a connection. None where it is not there."""
    if mounted is None:
        return None

    def ask(live: LiveServer, test: str, highest: str) -> bool:
        target = live.target
        words = [f"//{target.address}/{target.share}", test, "-U", f"{target.user}%{target.password}"]
        words += ["--option=client min protocol=CORE", f"--option=client max protocol={highest}"]
        said = run(torture_image.command(mounted, words), timeout=60)
        assert re.search("^(success|failure): ", said.stdout, re.MULTILINE), said
        if "NT_STATUS_BAD_NETWORK_NAME" in said.stderr:
            return True  # It got as far as the share, which is broken by its settings.
        return not re.search("Failed to open connection|torture_smb2_connection failed", said.stdout)

    return ask


def test_smbtorture_agrees(seen: Seen) -> None:
    """It gets connections of SMB1, and one of SMB2, where we say they are spoken."""
    if seen.smbtorture is None:
        pytest.skip("its image is not built: python tests/exposures/torture_image.py")
    smb1, smb2 = seen.smbtorture
    assert smb1 is (seen.ours["smb1-spoken"].state is Hole.OPEN)
    # It logs on with NTLM, as our probes do.
    may = seen.ours["guest-logon"].state is Hole.OPEN or not seen.configuration.made().unknown_user
    if may and seen.ours["ntlm-accepted"].state is not Hole.CLOSED:
        assert smb2 is (seen.ours["smb2-signing-not-required"].state is not Hole.NOT_EXPOSED)


CCM, GCM, PIPES = "smb2.session.encryption-aes-128-ccm", "smb2.session.encryption-aes-256-gcm", "rpc.srvsvc"
AES = "server_smb3_encryption_algorithms"


@pytest.mark.parametrize(
    ("configuration", "passed"),
    [
        (Configuration("samba-4.22"), {CCM, GCM, PIPES}),
        (Configuration("samba-4.22", {AES: "AES-256-GCM, AES-256-CCM"}), {GCM, PIPES}),
        (Configuration("samba-4.22", {AES: "AES-128-CCM"}), {CCM, PIPES}),
        (Configuration("samba-4.22-smb1", {"nt_pipe_support": "no"}), {CCM, GCM}),
    ],
    ids=lambda value: value.name if isinstance(value, Configuration) else "",
)
def test_smbtorture_agrees_about_ciphers_and_pipes(
    configuration: Configuration, passed: set[str], lab: LocalLab, mounted: Path | None
) -> None:
    """Its tests of encryption need one cipher each, and those of srvsvc a named pipe."""
    if mounted is None:
        pytest.skip("its image is not built: python tests/exposures/torture_image.py")
    with lab.serve(configuration.made()) as live:
        ours, target = look(configuration, live), live.target
        share, pipes = f"//{target.address}/{target.share}", f"ncacn_np:{target.address}"
        seen = set()
        for test in (CCM, GCM, PIPES):
            words = [pipes if test == PIPES else share, test, "-U", f"{target.user}%{target.password}"]
            said = run(torture_image.command(mounted, words), timeout=60)
            # Of srvsvc two calls fail everywhere: Samba has no NetCharDev*. Without the pipe all of them do.
            if re.search("^success: ", said.stdout, re.MULTILINE):
                seen.add(test)
    assert seen == passed
    assert (CCM in seen) is (ours["aes128-accepted"].state is Hole.OPEN)
    assert (GCM not in seen) is (ours["weak-ciphers-only"].state is Hole.OPEN)
    assert (PIPES in seen) is (ours["unauthenticated-pipes"].state is Hole.OPEN)
