"""What is read of a server from within: the texts as they really are, and any text at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.labs import samba_internals, server_internals
from harness.servers.live import How, LiveServer
from harness.system.process import Result, run

TESTPARM = """# Global parameters
[global]
\tnt pipe support = Yes
\tserver min protocol = SMB2_02
\tcheck password script =

[share]
\tpath = /mnt/1-samba/share
\tread only = No
\tcomment = a = b
"""
MOUNTS = """22 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw,errors=remount-ro
40 22 0:30 / /mnt rw,nosuid - tmpfs none rw,noexec
41 40 0:31 / /mnt/with\\040blank rw - tmpfs none rw
garbage line
"""
SECTIONS = server_internals.sections(TESTPARM)


def test_sections_of_testparm() -> None:
    assert SECTIONS["global"]["check password script"] == ""
    assert SECTIONS["share"]["comment"] == "a = b"
    shares = server_internals.share_settings(SECTIONS)
    assert list(shares) == ["share"]
    assert (shares["share"]["read only"], shares["share"]["nt pipe support"]) == ("No", "Yes")


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/srv", ("rw", "relatime", "errors=remount-ro")),
        ("/mnt/x/share", ("rw", "nosuid", "noexec")),
        ("/mnt/with blank/y", ("rw",)),
        ("/mntx", ("rw", "relatime", "errors=remount-ro")),
    ],
)
def test_the_deepest_mount_decides(path: str, options: tuple[str, ...]) -> None:
    assert server_internals.mount_options(MOUNTS, path) == options


def test_no_mount_has_no_options() -> None:
    assert server_internals.mount_options("", "/srv") == ()


@pytest.mark.parametrize(
    ("text", "confined"),
    [
        (None, False),
        ("unconfined\n", False),
        ("", False),
        ("/usr/sbin/smbd (enforce)\n", True),
        ("/usr/sbin/smbd (complain)\n", False),
        ("system_u:system_r:smbd_t:s0\0", True),
        ("system_u:system_r:unconfined_t:s0", False),
        ("kernel\0", False),
        ("docker-default (enforce)\n", None),
        ("system_u:system_r:container_t:s0:c1,c2\0", None),
    ],
)
def test_confinement(text: str | None, confined: bool | None) -> None:
    assert server_internals.confinement(text)[0] is confined


@pytest.mark.parametrize(
    ("package", "upstream"),
    [
        ("2:4.13.13+dfsg-1~deb11u6", "4.13.13"),
        ("3.6.3-93.1", "3.6.3"),
        ("4.22.11", "4.22.11"),
        ("2:4.22.0~rc1+dfsg-1", "4.22.0"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_the_upstream_version(package: str, upstream: str) -> None:
    assert server_internals.upstream(package) == upstream


def test_the_release() -> None:
    assert server_internals.release('ID=debian\nVERSION_ID="12"\n') == "debian 12"
    assert server_internals.release("# a comment\nID=debian\nVERSION_CODENAME=forky\n") == "debian forky"
    assert server_internals.release("") == ""


def test_names_in_a_changelog() -> None:
    text = "* Fix CVE-2017-7494 (Closes: #1)\n * CVE-2026-109411, CVE-2017-7494; not CVE-17-1"
    assert server_internals.fixes(text) == {"CVE-2017-7494", "CVE-2026-109411"}


READERS: dict[str, Callable[[str], object]] = {
    "sections": lambda text: server_internals.share_settings(server_internals.sections(text)),
    "mounts": lambda text: server_internals.mount_options(text, "/srv/share"),
    "confinement": server_internals.confinement,
    "release": server_internals.release,
    "upstream": server_internals.upstream,
    "fixes": server_internals.fixes,
    "log": server_internals.telling_lines,
}


@pytest.mark.parametrize("reader", READERS)
@given(text=st.text(max_size=300) | st.text(st.sampled_from("[]=/-, \n\\0479rw:abc"), max_size=120))
def test_any_text_is_read(reader: str, text: str) -> None:
    READERS[reader](text)


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("server", "release"),
    [("samba-4.13", "debian 11"), ("samba-4.22", "debian 13"), ("samba-4.25", "debian forky")],
)
def test_a_real_server_from_within(serve: Callable[[str], LiveServer], server: str, release: str) -> None:
    live = serve(server)
    inside = live.internals()
    assert inside is not None
    assert inside.platform == "samba"
    assert inside.package == live.fact().packages[0]
    assert server.removeprefix("samba-") + "." in f"{inside.version}."
    assert inside.release == release
    assert inside.fixes is not None
    assert "CVE-2025-9640" in inside.fixes or server == "samba-4.13"
    assert inside.settings["nt pipe support"] == "Yes"
    (share,) = (share for share in inside.shares if share.name == live.target.share)
    assert share.settings["read only"] == "No"
    assert "rw" in share.mount
    assert inside.confined is False
    assert inside.emulates == ""


@pytest.mark.local_lab
def test_an_emulated_server_says_what_it_stands_for(serve: Callable[[str], LiveServer]) -> None:
    inside = serve("sles11-like").internals()
    assert inside is not None
    assert inside.emulates.startswith("SUSE")


@pytest.mark.local_lab
def test_testparm_is_asked_once_for_each_smb_conf(
    serve: Callable[[str], LiveServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rollback it is the file of the baseline again."""
    live = serve("samba-4.22")
    before, asked = live.state, list[str]()

    def counted(argv: Sequence[str], *, timeout: float) -> Result:
        asked.append(argv[-1])
        return run(argv, timeout=timeout)

    def said() -> str:
        inside = live.internals()
        assert inside is not None
        return inside.settings["server signing"]

    first, signing = said(), before.conf.with_globals(server_signing="mandatory")
    monkeypatch.setattr(samba_internals, "run", counted)
    try:
        for _ in range(2):
            live.become(replace(before, conf=signing), How.RELOAD)
            assert said() == "required"
            live.become(before, How.RELOAD)
            assert said() == first
    finally:
        live.become(before, How.RELOAD)
    assert len(asked) == 1


ENTRY = "samba (2:4.17.12-1) unstable; urgency=medium\n\n  * x\n\n -- us <us@example.org>  {}\n\n"
_CUT = (
    "# Older entries have been removed from this changelog.\n"
    "# To read the complete changelog use `apt changelog samba`.\n"
)


@pytest.mark.parametrize(
    ("changelog", "year"),
    [
        (ENTRY.format("Mon, 02 Jan 2023 10:00:00 +0100"), 0),
        (ENTRY.format("Mon, 02 Jan 2023 10:00:00 +0100") + _CUT, 2024),
        (
            ENTRY.format("Mon, 02 Jan 2023 10:00:00 +0100")
            + ENTRY.format("Sat, 30 May 2020 00:00:00 +0000")
            + "# For older changelog entries, run 'apt-get changelog samba'\n",
            2021,
        ),
        (_CUT, 9999),
        ("", 0),
    ],
)
def test_from_when_on_a_changelog_tells_all(changelog: str, year: int) -> None:
    """Debian's and Ubuntu's builds cut the older entries off, and say so at the end."""
    assert server_internals.tells_from(changelog) == year
