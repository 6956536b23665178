"""A libvirtd of the lab's own: what it makes, what it hides, and that it goes without a trace."""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from commandline import users
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import LabFault
from harness.labs import namespace
from harness.labs.vagrant.libvirt import Lease, PrivateLibvirt, lacking, network_xml
from harness.system.process import run

LEASES = [Lease("one", "52:54:00:59:00:0a", "192.168.59.10")]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_the_network_is_well_formed_and_leads_nowhere(name: str) -> None:
    try:
        found = ET.fromstring(
            network_xml("192.168.59.1", [Lease(name, "52:54:00:59:00:0a", "192.168.59.10")])
        )
    except ET.ParseError:
        # XML has no way to write these; no name of a guest may hold them (harness.labs.guests).
        assert any(not c.isascii() for c in name)
        return
    assert found.find("forward") is None
    bridge, host = found.find("bridge"), found.find("ip/dhcp/host")
    assert bridge is not None
    assert bridge.get("stp") == "off"
    assert host is not None
    assert host.get("name") == name


def test_outside_of_a_lab_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mounts would hide the user's own libvirt."""
    monkeypatch.delenv(namespace.MARKER, raising=False)
    with (
        pytest.raises(LabFault, match="private namespace"),
        PrivateLibvirt(tmp_path / "x", "192.168.59.1", []),
    ):
        pytest.fail("it must not start")
    assert not (tmp_path / "x").exists()


SCRIPT = """
import sys
from pathlib import Path
from harness.labs.vagrant.libvirt import Lease, NETWORK, PrivateLibvirt
from harness.system.process import run
leases = [Lease("one", "52:54:00:59:00:0a", "192.168.59.10")]
with PrivateLibvirt(Path(sys.argv[1]), "192.168.59.1", leases) as mine:
    print(mine.virsh("net-list", "--name").split(), mine.virsh("pool-list", "--name").split())
    print(sorted(path.name for path in Path("/sys/class/net").iterdir() if path.name != "sit0"))
    print(run(["ip", "route", "show", "default"], timeout=10).stdout.split())
    print(Path("/etc/libvirt/qemu.conf").read_text().count("security_driver"))
print(run(["pgrep", "-x", "libvirtd|dnsmasq"], timeout=10).stdout.split())
"""


@pytest.mark.vagrant
def test_it_comes_and_goes(tmp_path: Path) -> None:
    if os.geteuid() != 0 or lacking():
        pytest.skip("needs root and libvirt")
    before = Path("/etc/libvirt/qemu.conf").read_bytes()
    inside = [sys.executable, "-m", "harness.labs.namespace", "--", sys.executable, "-c", SCRIPT]
    done = run([*inside, tmp_path / "libvirt"], timeout=120, env=users())
    assert done.ok, done.stderr
    first, devices, routes, settings, left = done.stdout.splitlines()
    assert first == "['smb-rehearsal'] ['default']"
    assert devices == "['lo', 'rehearse0']"
    assert routes == "[]"
    assert settings == "1"
    assert left == "[]"
    assert Path("/etc/libvirt/qemu.conf").read_bytes() == before
