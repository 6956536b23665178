"""Images of the user's own: a real Samba from a tar archive and from a signed apt archive, and rehearsed.

One of them is an old one as far as it says itself: its smbd knows fewer options and names its version in
another form, its testparm knows fewer parameters, and there is no smbcontrol.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commandline import begin, rehearse
from small_samba import LOADER, needed, root_of, small_tar

from harness.labs import namespace
from harness.labs.roots.within import within
from harness.labs.samba_ways import Ways
from harness.system.deadline import wait_for
from harness.system.process import Result, run

pytestmark = pytest.mark.local_lab

ROCKY = 'ID=rocky\nVERSION_ID="9.3"\n'
OLD_SMBD = """#!/usr/bin/perl
for (@ARGV) {
  if ($_ eq '-V') { print "Samba smbd\\nVersion: smbd version 4.13.13-NAS (build 7)\\n"; exit 0 }
  if ($_ eq '--help') { print "  -F, --foreground\\n  -s, --configfile\\n  -l, --log-basename\\n"; exit 0 }
  if ($_ eq '-b' or $_ eq '--no-process-group') { print STDERR "$_: unknown option\\n"; exit 1 }
}
exec '/usr/sbin/smbd.real', @ARGV;
"""
OLD_TESTPARM = """#!/usr/bin/perl
for (@ARGV) { if ($_ eq '--suppress-prompt') { print STDERR "$_: unknown option\\n"; exit 1 } }
open(my $real, '-|', '/usr/bin/testparm.real', '--suppress-prompt', @ARGV);
my $lines = join '', <$real>;
$lines =~ s/^\\s*disable spoolss = .*\\n//mg;
print $lines;
"""


@dataclass(frozen=True)
class Place:
    """A user's home as far as images and runs go."""

    env: Mapping[str, str]
    data: Path

    def __call__(self, *words: str | Path) -> Result:
        return rehearse(*words, env=dict(self.env))

    def shown(self, *words: str | Path) -> Any:
        """What a verb prints as JSON."""
        return json.loads(self(*words, "--json").check(" ".join(map(str, words))).stdout)

    def root(self, name: str) -> Path:
        return self.data / name / "root"


def _place(home: Path) -> Place:
    # The tests run inside a lab, where no image is made: the mark of that is taken away.
    env = {"XDG_DATA_HOME": str(home / "data"), "XDG_STATE_HOME": str(home / "state"), namespace.MARKER: ""}
    return Place(env, home / "data/smb-rehearsal/images")


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """A folder by HTTP on a loopback address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _archive(folder: Path) -> Path:
    """A signed apt archive with one package, samba, as Ubuntu or a vendor would have one; and its keyring.

    Its Release file is of long ago, and was valid for a week.
    """
    made = folder / "package"
    root = root_of()
    for path in needed():
        place = made / "usr" / path.removeprefix("/").removeprefix("usr/")
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(within(root, path), place) if _same_disk(root, folder) else _copy(within(root, path), place)
    for name in ("bin", "sbin", "lib", "lib64"):
        (made / name).symlink_to(f"usr/{name}")
    (made / "etc").mkdir()
    (made / "etc/os-release").write_text('ID=ubuntu\nVERSION_ID="11.04"\n')
    (made / "usr/share/doc/samba").mkdir(parents=True)
    about = (
        "Package: samba\nVersion: 2:4.17.12+other1\nArchitecture: all\nMaintainer: us <us@example.org>\n"
        "Description: smbd of another distribution\n"
    )
    (made / "DEBIAN").mkdir()
    (made / "DEBIAN/control").write_text(about)
    pool = folder / "archive/pool"
    pool.mkdir(parents=True)
    package = pool / "samba.deb"
    built: list[str | Path] = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", made, package]
    run(built, timeout=120).check("the package")
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    index = f"{about}Filename: pool/samba.deb\nSize: {package.stat().st_size}\nSHA256: {digest}\n"
    lists = folder / "archive/dists/old/main/binary-amd64"
    lists.mkdir(parents=True)
    (lists / "Packages").write_text(index)
    listed = f"{hashlib.sha256(index.encode()).hexdigest()} {len(index)} main/binary-amd64/Packages"
    release = folder / "archive/dists/old/Release"
    release.write_text(
        "Origin: other\nSuite: old\nCodename: old\nArchitectures: amd64\nComponents: main\n"
        "Date: Thu, 28 Apr 2011 00:00:00 UTC\nValid-Until: Thu, 05 May 2011 00:00:00 UTC\n"
        f"SHA256:\n {listed}\n"
    )
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    _key(keys, folder / "other.gpg", release)
    return folder / "other.gpg"


def _key(keys: Path, keyring: Path, release: Path | None = None) -> None:
    """A key of its own, as a keyring; a Release file is signed by it."""
    gpg: list[str | Path] = ["gpg", "--homedir", keys, "--batch", "--quiet", "--passphrase", ""]
    made = [*gpg, "--quick-generate-key", "other <other@example.org>", "ed25519", "sign", "never"]
    run(made, timeout=60).check("a key")
    if release is not None:
        signed = [*gpg, "--clearsign", "--output", release.with_name("InRelease"), release]
        run(signed, timeout=60).check("signing")
    run([*gpg, "--output", keyring, "--export"], timeout=60).check("the keyring")
    run(["gpgconf", "--homedir", keys, "--kill", "all"], timeout=60)


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _copy(source: Path, to: Path) -> None:
    to.write_bytes(source.read_bytes())
    to.chmod(0o755)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where three images were added: new, old with new as its vendor's patch, and suite."""
    home = tmp_path_factory.mktemp("home")
    here = _place(home)
    new = small_tar(home / "new.tar", texts={"etc/os-release": ROCKY})
    here("images", "add", "new", "--tar", new).check("new")
    old = small_tar(
        home / "old.tar",
        image="bullseye",
        without=("/usr/bin/smbcontrol",),
        moved={"/usr/sbin/smbd": "/usr/sbin/smbd.real", "/usr/bin/testparm": "/usr/bin/testparm.real"},
        texts={"usr/sbin/smbd": OLD_SMBD, "usr/bin/testparm": OLD_TESTPARM},
    )
    here("images", "add", "old", "--tar", old, "--patched", "new").check("old")
    keyring = _archive(home)
    with _served(home / "archive") as url:
        suite = ("--suite", "old", "--mirror", url, "--keyring", keyring, "--packages", "samba")
        here("images", "add", "suite", *suite).check("suite")
    return here


def _described(place: Place, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place.data / f"{name}.json").read_text())
    return found


def test_they_are_in_the_lists_as_the_users_own(place: Place) -> None:
    table = place.shown("list", "images")
    mine = {row["name"]: row for row in table if row.get("from") == "yours"}
    assert {name: (row["state"], row["samba"]) for name, row in mine.items()} == {
        "new": ("present", _described(place, "new")["version"]),
        "old": ("present", "4.13.13-NAS"),
        "suite": ("present", _described(place, "suite")["version"]),
    }
    assert place.shown("images", "list") == table
    servers = {row["name"] for row in place.shown("list", "servers")}
    assert {"samba-new", "samba-new-smb1", "samba-old", "samba-old-smb1", "samba-suite"} <= servers


def test_what_an_old_one_lacks_was_found_by_asking_it(place: Place) -> None:
    ways = Ways.model_validate_json((place.root("old") / "rehearse-samba.json").read_text())
    assert ways.options == ("-F",)
    assert ways.testparm_options == ("-sv",)
    assert (ways.smbcontrol, ways.executable) == ("", "/usr/sbin/smbd.real")
    assert ways.modules is None
    assert ways.parameters is not None
    assert "disablespoolss" not in ways.parameters
    assert "workgroup" in ways.parameters
    new = Ways.model_validate_json((place.root("new") / "rehearse-samba.json").read_text())
    assert new.options == ("-F", "--no-process-group")
    assert new.testparm_options == ("-sv", "--suppress-prompt")
    assert new.smbcontrol
    assert "disablespoolss" in (new.parameters or ())
    assert new.modules is not None
    assert "posixacl" in new.modules


def test_what_is_known_of_them(place: Place) -> None:
    new, old, suite = (_described(place, name) for name in ("new", "old", "suite"))
    assert (new["release"], new["package"]) == ("rocky 9.3", "")
    assert new["version"].startswith("4.17.12")
    assert (old["release"], old["patched"]) == ("", "new")
    assert (suite["release"], suite["package"]) == ("ubuntu 11.04", "samba 2:4.17.12+other1")
    assert new["laxer"] == {"server min protocol": "NT1", "ntlm auth": "ntlmv1-permitted"}
    assert {new["highest"], old["highest"]} == {"3.1.1"}
    assert "no smbcontrol: it reads its configuration again by SIGHUP" in old["remarks"]


def test_a_rehearsal_over_each(place: Place) -> None:
    """The same run: a change by a restart, one by reload, and the vendor's patch."""
    cells = (
        "nt-pipe-support-off:samba-new,samba-old,samba-suite:windows-7,smbclient:open",
        "vendor-patch:samba-old:smbclient:open",
        "smb3-only:samba-old,samba-old-smb1:smbclient:open",
    )
    found = place.shown("run", *cells)
    effects = {cell["cell"]: cell["effect"] for cell in found["cells"]}
    assert len(effects) == 9
    assert set(effects.values()) == {"kept"}
    software = {name: one["software"] for name, one in found["servers"].items()}
    assert software["samba-old"] == "Samba 4.13.13-NAS"
    assert software["samba-new"].startswith("Samba 4.17.12")
    states = {(one["server"], one["exposure"]): one for one in found["exposures"]}
    # Of the tar archives no package is known: what packages decide is unknown, and never guessed.
    for server in ("samba-new", "samba-old"):
        for exposure in ("cve-2017-7494", "end-of-life"):
            assert states[server, exposure]["baseline"] == "unknown", (server, exposure)
    assert states["samba-suite", "cve-2017-7494"]["baseline"] == "closed"


def test_a_run_keeps_what_it_needs_and_says_when_an_image_is_gone(place: Place) -> None:
    cell = "smb3-only:samba-suite:smbclient:open"
    made = place.shown("run", cell, "--no-exposures")["run"]
    kept, tree = place.data / "suite.json", place.data / "suite"
    state, away = kept.read_bytes(), place.data / "away"
    key = place("cache-key", cell).check("cache-key").stdout
    tree.rename(away)
    kept.unlink()
    try:
        assert "samba-suite" in place("report", made).check("the report of a run without its image").stdout
        again = place("replay", cell)
        assert again.status == 2
        assert "the image suite of yours is not on this machine" in again.stderr
        assert "add it again: rehearse images add" in again.stderr
        # Another one of the same name is not the one that was measured with.
        kept.write_text(json.dumps({**json.loads(state), "made_of": "0" * 64, "version": "3.6.3"}))
        (tree / "root").mkdir(parents=True)
        shutil.copy(place.data / "new/complete.json", tree)
        again = place("replay", cell)
        assert again.status == 2
        assert "the image suite of yours is another one now" in again.stderr
        assert place("cache-key", cell).check("cache-key").stdout != key
        assert "Samba 4.17.12" in place("report", made, "--details").check("report").stdout
    finally:
        shutil.rmtree(tree, ignore_errors=True)
        away.rename(tree)
        kept.write_bytes(state)
    place("replay", cell).check("replayed")


def test_cleaning_leaves_them(place: Place) -> None:
    assert "suite" not in place("clean").check("clean").stdout
    assert {one["state"] for one in place.shown("list", "images") if one.get("from") == "yours"} == {
        "present"
    }


def test_a_damaged_one_is_said_to_be_so(place: Place) -> None:
    file = place.root("suite") / "usr/sbin/smbd"
    data, times = file.read_bytes(), file.stat()
    file.write_bytes(data[:1000])
    try:
        found = place("run", "smb3-only:samba-suite:smbclient:open")
        assert found.status == 2
        assert "the image suite of yours is damaged" in found.stderr
    finally:
        file.write_bytes(data)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_description_that_is_wrong_costs_no_other_word(place: Place) -> None:
    bad = place.data / "bad.json"
    bad.write_text("{}")
    try:
        found = place("list", "images")
        assert found.ok
        assert "images/bad.json: name: Field required" in found.stderr
    finally:
        bad.unlink()


def test_removing(place: Place) -> None:
    """Also what has no description any more: files that were whole are removed by the user alone."""
    (place.data / "whole/root").mkdir(parents=True)
    assert "whole" not in place("clean").check("clean").stdout
    place("images", "remove", "whole").check("removing")
    assert not (place.data / "whole").exists()
    refused = place("images", "remove", "new")
    assert refused.status == 64
    assert "new is the vendor's patch of samba-old" in refused.stderr
    assert place("images", "remove", "bookworm").status == 64
    assert place("images", "remove", "now").status == 64
    assert (place.data / "new").is_dir()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--tar", "no-such-file"), "No such file"),
        (("--suite", "s"), "--suite needs --mirror URL and --keyring FILE"),
        (("--tar", "x", "--mirror", "file:/x"), "--mirror is for --suite"),
        (("--suite", "s", "--mirror", "ftp://x", "--keyring", "/etc/passwd"), "no address of an archive"),
        (("--suite", "s x", "--mirror", "file:/x", "--keyring", "/etc/passwd"), "no name of an apt archive"),
        (
            ("--suite", "s", "--mirror", "file:/x", "--keyring", "/etc/passwd", "--apt-option", "a=] x"),
            "no option of sources.list",
        ),
        (("--tar", "/etc/passwd", "--patched", "nwe"), "did you mean new"),
        (("--tar", "/etc/passwd"), "no tar archive"),
    ],
)
def test_mistakes_of_adding(place: Place, words: tuple[str, ...], why: str) -> None:
    found = place("images", "add", "another", *words)
    assert found.status == 64
    assert why in found.stderr
    assert not (place.data / "another.json").exists()
    assert not list(place.data.glob(".building*"))


def test_an_apt_archive_must_be_signed_by_the_keyring(place: Place, tmp_path: Path) -> None:
    """Its own key lets it in (the fixture); another one does not."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    _key(keys, tmp_path / "another.gpg")
    archive = place.data.parents[2] / "archive"
    words = ("--suite", "old", "--mirror", f"file://{archive}", "--keyring", tmp_path / "another.gpg")
    found = place("images", "add", "another", *words, "--packages", "samba")
    assert found.status == 2
    assert "is not signed" in found.stderr
    assert not (place.data / "another.json").exists()


@pytest.mark.parametrize("name", ["new", "bookworm", "4.17", "host", "UP", "a:b", "..", "clients"])
def test_names_that_cannot_be(place: Place, name: str) -> None:
    assert place("images", "add", name, "--tar", "/etc/passwd").status == 64


def test_what_cannot_run_here_is_refused_with_the_reason(tmp_path: Path) -> None:
    """More reasons: test_executable.py."""
    here = _place(tmp_path)
    library = next(path for path in needed() if "libtalloc" in path)
    cases: dict[str, tuple[str, ...]] = {
        "lacks libraries that are not in it: libtalloc.so.2": (library,),
        "/usr/sbin/smbd is loaded by /lib64/ld-linux-x86-64.so.2, which is not in it": (LOADER,),
    }
    for why, without in cases.items():
        archive = small_tar(tmp_path / "some.tar", without=without, programs_only=LOADER in without)
        found = here("images", "add", "some", "--tar", archive)
        assert found.status == 64
        assert why in found.stderr
    assert [path.name for path in here.data.iterdir()] == ["some.lock"]


def test_one_that_is_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    here = _place(tmp_path)
    archive = small_tar(tmp_path / "some.tar")
    mark = f"killed-{os.getpid()}"
    adding = begin(tmp_path / "said", mark, "images", "add", "some", "--tar", archive, env=dict(here.env))
    wait_for("the image to be in the making", lambda: any(here.data.glob(".building.*/root/usr")), 60)
    adding.send_signal(signal.SIGKILL)
    adding.wait(10)
    assert [row["name"] for row in here.shown("images", "list") if row.get("from") == "yours"] == []
    assert "removed half-built image" in here("clean").check("clean").stdout
    assert [path.name for path in here.data.iterdir()] == ["some.lock"]
