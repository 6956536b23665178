"""Runs on a real scheduler with real workers on loopback, compared with a run here, cell by cell.

Workers die, are cut off and come back, the scheduler is started again, and whoever started the run is killed.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from commandline import (
    MARK,
    begin,
    entries,
    left_of,
    only_run,
    rehearse,
    times_measured,
    users,
    wait_until_gone,
)

from harness.cluster import certificates
from harness.system.deadline import wait_for
from harness.system.process import Result, kill_group, start

pytestmark = [
    pytest.mark.local_lab,
    pytest.mark.usefixtures("lab"),
    # Not imported here: what it warns of is no mistake of ours.
    pytest.mark.skipif(find_spec("distributed") is None, reason="the extra cluster is not installed"),
]

CELLS = ("nt-pipe-support-off,smb3-only:samba-4.22:windows-7,windows-10-1703:browse", "--no-exposures")
SECONDS = 120.0


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class Site:
    """A scheduler and its workers, each a process of its own with a folder of its own."""

    def __init__(self, home: Path, held: ExitStack) -> None:
        self.home = home
        self.certificates = home / "certificates"
        self.port = free_port()
        self.address = f"tls://127.0.0.1:{self.port}"
        self._held = held
        self.there: dict[str, subprocess.Popen[bytes]] = {}
        certificates.make(self.certificates)
        self.scheduler = self.start("scheduler", "cluster", "scheduler", self.address)

    def start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        """Start one of them, and wait until it is ready."""
        (self.home / name).mkdir(exist_ok=True)
        said = self.home / f"{name}.txt"
        said.unlink(missing_ok=True)
        around = {"TMPDIR": str(self.home / name)}
        child = begin(said, self.mark(name), *words, "--certificates", self.certificates, env=around)
        self.until(name, child, "ready")
        return child

    def until(self, name: str, child: subprocess.Popen[bytes], ready: str) -> None:
        """Wait until one of them has said so."""
        said = self.home / f"{name}.txt"
        self._held.callback(_end, child)
        self.there[name] = child
        wait_for(f"{name}, ready", lambda: child.poll() is not None or ready in said.read_text(), SECONDS)
        assert child.poll() is None, said.read_text()

    def mark(self, name: str) -> str:
        """By which all processes of one of them are found."""
        return f"{self.home}/{name}"

    def worker(self, name: str, *words: str, address: str = "") -> subprocess.Popen[bytes]:
        return self.start(name, "worker", address or self.address, "--workers", "2", *words)

    def standing(self, name: str) -> None:
        """Have that worker, be it from the test before."""
        if name not in self.there:
            self.worker(name)

    def at_work(self, name: str) -> bool:
        """A worker has measured something of the group that it has, and not finished it."""
        return any(entries(folder, "attempt") for folder in (self.home / name).glob("rehearse-worker-*/run"))

    def words(self, runs: str, *more: str) -> tuple[str | Path, ...]:
        way = ("--cluster", self.address, "--cluster-certificates", self.certificates)
        return ("run", *CELLS, *way, "--runs", self.home / runs, *more)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        kill_group(child.pid)
    child.wait()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as held:
        yield Site(tmp_path_factory.mktemp("cluster"), held)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The same cells, measured in a lab of this machine alone."""
    return rehearse("run", *CELLS, "--runs", tmp_path_factory.mktemp("here"), "--json", "--quiet")


def same(document: dict[str, Any]) -> list[tuple[object, ...]]:
    """What of a result must not hang on where it was measured."""
    found: list[tuple[object, ...]] = []
    for cell in document["cells"]:
        phases = [
            (name, made["outcome"], made.get("status"), made.get("step"), made.get("dialect"), made.get("as"))
            for name, made in cell["phases"].items()
        ]
        words = ("cell", "effect", "restored", "expected", "cause", "user_sees")
        found.append((*(cell.get(word) for word in words), bool(cell["evidence"]), *phases))
    return found


def as_here(runs: Path, here: Result) -> None:
    """The one run there is says of each cell once what a run here says."""
    folder = only_run(runs)
    done = rehearse("report", folder, "--json")
    document = json.loads(done.stdout)
    assert document["complete"]
    assert not document.get("damage")
    assert same(document) == same(json.loads(here.stdout))
    assert done.status == here.status
    assert set(times_measured(folder).values()) == {1}
    # Workers report where their time went, and what they do not report they waited.
    spent = document["measured"]["spent"]
    assert spent["worker_seconds"] == pytest.approx(spent["workers"] * spent["seconds"], abs=0.1)
    assert sum(one["worker_seconds"] for one in spent["kinds"]) == pytest.approx(
        spent["worker_seconds"], abs=0.1
    )
    assert {one["kind"]: one["times"] for one in spent["kinds"]}["server start"] in (1, 2)
    assert 0 < spent["bound_seconds"] < spent["seconds"]
    assert len((folder / "took.jsonl").read_text().splitlines()) == 2
    for cell in document["cells"]:
        assert not cell["evidence"] or (folder / cell["evidence"] / "packets.pcapng").stat().st_size


def test_a_worker_that_dies_costs_no_cell(site: Site, here: Result) -> None:
    first, _ = site.worker("first"), site.worker("second")
    run = begin(site.home / "run.txt", site.mark("run"), *site.words("dies"))
    try:
        wait_for("the first worker at work", lambda: site.at_work("first"), SECONDS)
        first.kill()
        first.wait()
        # Its lab ends with it, and the other worker does what it had.
        wait_until_gone(site.mark("first"))
        assert run.wait(SECONDS) == here.status, (site.home / "run.txt").read_text()
    finally:
        _end(run)
    as_here(site.home / "dies", here)
    said = (site.home / "run.txt").read_text()
    assert "2 workers, 2 groups of cells" in said
    assert "nt-pipe-support-off:samba-4.22: 2 lost" in said


def test_a_scheduler_that_is_started_again_has_all_of_it_done(site: Site, here: Result) -> None:
    site.standing("second")
    run = begin(site.home / "run.txt", site.mark("run"), *site.words("again"))
    try:
        wait_for("the worker at work", lambda: site.at_work("second"), SECONDS)
        site.scheduler.kill()
        site.scheduler.wait()
        site.scheduler = site.start("scheduler", "cluster", "scheduler", site.address)
        assert run.wait(SECONDS) == here.status, (site.home / "run.txt").read_text()
    finally:
        _end(run)
    as_here(site.home / "again", here)
    assert "is gone; looking for it again" in (site.home / "run.txt").read_text()


def test_whoever_is_killed_has_nothing_measured_any_more(site: Site, here: Result) -> None:
    site.standing("second")
    run = begin(site.home / "run.txt", site.mark("run"), *site.words("killed"))
    wait_for("the worker at work", lambda: site.at_work("second"), SECONDS)
    run.kill()
    run.wait()
    wait_for("the end of its group", lambda: not site.at_work("second"), 20.0)
    way = ("--cluster", site.address, "--cluster-certificates", site.certificates)
    done = rehearse("run", "--resume", "--runs", site.home / "killed", *way, "--quiet")
    assert done.status == here.status, done.stderr
    as_here(site.home / "killed", here)


def test_nobody_without_a_certificate_is_answered(site: Site) -> None:
    """Neither by the scheduler nor by a worker: TLS ends before Dask says or reads anything."""
    site.standing("second")
    port_of_worker = re.findall(
        r"worker tls://127.0.0.1:(\d+): ready", (site.home / "second.txt").read_text()
    )[-1]
    context = ssl.create_default_context(cafile=site.certificates / "ca.pem")
    context.check_hostname = False
    for port in (site.port, int(port_of_worker)):
        said = b""
        with (
            socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
            suppress(ConnectionError, ssl.SSLError),
            context.wrap_socket(plain) as tls,
        ):
            said = tls.recv(1)
        assert said == b""


def test_a_worker_that_is_cut_off_comes_back(site: Site, here: Result) -> None:
    _end_workers(site)
    with _relay(site.port) as (port, cut):
        site.worker("third", address=f"tls://127.0.0.1:{port}")
        run = begin(site.home / "run.txt", site.mark("run"), *site.words("cut"))
        try:
            wait_for("the worker at work", lambda: site.at_work("third"), SECONDS)
            cut()
            assert run.wait(SECONDS) == here.status, (site.home / "run.txt").read_text()
        finally:
            _end(run)
        said = (site.home / "third.txt").read_text()
        assert said.count("ready for") == 2
        assert "is lost; looking for it" in said
        as_here(site.home / "cut", here)
        _end_workers(site)


def test_a_group_that_nobody_can_measure_is_a_fault_at_once(site: Site) -> None:
    _end_workers(site)
    site.worker("small", "--memory", "100")
    done = rehearse(*site.words("nobody", "--json"))
    _end_workers(site)
    assert done.status == 2
    cells = json.loads(done.stdout)["cells"]
    assert {cell["effect"] for cell in cells} == {"fault"}
    assert "300 MB of memory (it has 100)" in cells[0]["cause"]


def test_what_cannot_be_a_cluster(site: Site, tmp_path: Path) -> None:
    """One line each, exit status 2, no run folder, and nothing left running."""
    certificates.make(tmp_path / "strange")
    (tmp_path / "empty").mkdir()
    nobody = f"tls://127.0.0.1:{free_port()}"
    ours = ("--cluster-certificates", str(site.certificates))
    strange = ("--cluster-certificates", str(tmp_path / "strange"))
    absent = ("--cluster-certificates", str(tmp_path / "absent"))
    runs = ("--runs", str(tmp_path / "runs"))
    for words, says in (
        (("run", *CELLS, "--cluster", nobody, *ours, *runs), "no scheduler answers at"),
        (
            ("run", *CELLS, "--cluster", site.address, *strange, *runs),
            "do not accept each other's certificate",
        ),
        (("run", *CELLS, "--cluster", site.address, *absent, *runs), "there is no such file"),
        (("worker", nobody, "--certificates", str(site.certificates)), "no scheduler answers at"),
        (("worker", site.address, "--certificates", str(tmp_path / "strange")), "each other's certificate"),
    ):
        _one_line(rehearse(*words), says)
    bare = {"XDG_CACHE_HOME": str(tmp_path / "empty")}
    done = rehearse("worker", site.address, "--certificates", site.certificates, env=bare)
    _one_line(done, "no image is built on this machine")
    assert not (tmp_path / "runs").exists()


OTHER = """
import sys
from distributed import versions
from harness.cluster import identity
if sys.argv[1] == "dask":
    versions._version_cached = lambda package: "1.2.3"
else:
    identity.mine = lambda: identity.Identity("9.9", "0" * 16)
from harness.cli.main import main
sys.exit(main(sys.argv[2:]))
"""
"""A command line of another smb-rehearsal, or with another Dask."""


@pytest.mark.parametrize(("what", "says"), [("harness", "has smb-rehearsal 9.9"), ("dask", "has Dask 1.2.3")])
def test_a_scheduler_of_another_version(site: Site, tmp_path: Path, what: str, says: str) -> None:
    address = f"tls://127.0.0.1:{free_port()}"
    ours = ("--certificates", str(site.certificates))
    words = [sys.executable, "-c", OTHER, what, "cluster", "scheduler", address, *ours]
    child = start(words, output=site.home / f"{what}.txt", env=users())
    site.until(what, child, "ready")
    run = ("run", *CELLS, "--cluster", address, "--cluster-certificates", str(site.certificates))
    for command in ((*run, "--runs", str(tmp_path)), ("worker", address, *ours)):
        _one_line(rehearse(*command), says)
    _end(child)


def test_a_worker_that_dask_starts_by_its_class(site: Site, here: Result) -> None:
    """What dask-jobqueue has a batch system run."""
    _end_workers(site)
    names = {"ca-file": "ca.pem", "cert": "cluster.pem", "key": "cluster.key"}
    tls = [word for name, file in names.items() for word in (f"--tls-{name}", site.certificates / file)]
    words = [sys.executable, "-m", "distributed.cli.dask_worker", site.address, "--no-nanny", *tls]
    words += ["--no-dashboard", "--worker-class", "harness.cluster.deployed.DeployedWorker"]
    (site.home / "dask").mkdir()
    around = users(TMPDIR=str(site.home / "dask"), **{MARK: site.mark("dask")})
    site.until("dask", start(words, output=site.home / "dask.txt", env=around), "Registered to")
    assert rehearse(*site.words("by-class")).status == here.status
    as_here(site.home / "by-class", here)
    _end_workers(site)


def _one_line(done: Result, says: str) -> None:
    assert done.status == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert says in line
    assert done.stdout == ""


def _end_workers(site: Site) -> None:
    """End all workers in an orderly way; nothing of them stays."""
    for name, child in [(name, child) for name, child in site.there.items() if name != "scheduler"]:
        del site.there[name]
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            assert child.wait(SECONDS) == 0
            assert not any((site.home / name).iterdir())
        assert left_of(site.mark(name)) == []


@contextmanager
def _relay(to: int) -> Iterator[tuple[int, Any]]:
    """A port that leads to another, and what cuts every connection through it at once."""
    pairs: list[tuple[socket.socket, socket.socket]] = []
    server = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                one, _ = server.accept()
                other = socket.create_connection(("127.0.0.1", to))
                pairs.append((one, other))
                for ends in ((one, other), (other, one)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def cut() -> None:
        for pair in pairs:
            for one in pair:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1], cut
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        cut()
        for pair in pairs:
            for one in pair:
                one.close()
