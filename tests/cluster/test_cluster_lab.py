"""Runs on a real scheduler with real workers on loopback, compared with a run here, cell by cell.

Workers die, are cut off and come back, the scheduler is started again, and whoever started the run is killed.
"""

from __future__ import annotations

import json
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cluster_site import CELLS, SECONDS, Network, Site, end, free_port
from commandline import (
    MARK,
    begin,
    left_of,
    only_run,
    rehearse,
    times_measured,
    users,
    wait_until_gone,
)

from harness.cluster import certificates
from harness.system.deadline import wait_for
from harness.system.process import Result, run, start

pytestmark = [
    pytest.mark.local_lab,
    pytest.mark.usefixtures("lab"),
    # Not imported here: what it warns of is no mistake of ours.
    pytest.mark.skipif(find_spec("distributed") is None, reason="the extra cluster is not installed"),
]


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
        end(run)
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
        site.scheduler = site.start("scheduler", "cluster", "scheduler", site.everywhere)
        assert run.wait(SECONDS) == here.status, (site.home / "run.txt").read_text()
    finally:
        end(run)
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
    context = ssl.create_default_context(cafile=site.certificates / "ca.pem")
    context.check_hostname = False
    for port in (site.port, site.port_of("second")):
        said = b""
        with (
            socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
            suppress(ConnectionError, ssl.SSLError),
            context.wrap_socket(plain) as tls,
        ):
            said = tls.recv(1)
        assert said == b""


PICKLED = """
import asyncio, os, sys
from pathlib import Path
from harness.cluster import link
link.quietly(verbose=False)
import dask.config
from distributed.core import rpc
from distributed.protocol.pickle import dumps

class Loaded:
    def __reduce__(self):
        return (os.mkdir, (sys.argv[3],))

async def send():
    security = link.Link(sys.argv[1], Path(sys.argv[2])).security()
    there = {"connection_args": security.get_connection_args("client")} if sys.argv[1][:3] == "tls" else {}
    async with rpc(sys.argv[1], timeout=20, **there) as other:
        await asyncio.wait_for(getattr(other, sys.argv[4])(function=dumps(Loaded())), 20)

dask.config.set({"distributed.comm.require-encryption": False})
try:
    asyncio.run(send())
except Exception as error:
    print(type(error).__name__)
"""
"""Sends a scheduler or worker an object of which loading makes a folder."""


def test_nothing_is_loaded_that_comes_without_our_certificate(site: Site, tmp_path: Path) -> None:
    """What comes in the clear, or with another authority's certificate, is not unpickled; with ours it is."""
    site.standing("second")
    certificates.make(tmp_path / "strange")
    # What each of them calls it to have a function called there.
    ports = {"run_function": site.port, "run": site.port_of("second")}
    for name, port in ports.items():
        for number, (scheme, folder) in enumerate(
            (("tcp", site.certificates), ("tls", tmp_path / "strange"), ("tls", site.certificates))
        ):
            loaded = tmp_path / f"{name}-{number}"
            words = [f"{scheme}://127.0.0.1:{port}", str(folder), str(loaded), name]
            run(
                [sys.executable, "-c", PICKLED, *words],
                timeout=SECONDS,
                env=users(PYTHONPATH=str(Path.cwd())),
            )
            # Only so it is known that the others would have come through.
            assert loaded.exists() is (folder == site.certificates and scheme == "tls"), words


def test_a_worker_that_is_cut_off_comes_back(site: Site, here: Result) -> None:
    """Its network falls silent while it measures: no connection ends, nothing comes any more."""
    _end_workers(site)
    with Network() as network:
        site.within(network, "third")
        run = begin(site.home / "run.txt", site.mark("run"), *site.words("cut"))
        try:
            wait_for("the worker at work", lambda: site.at_work("third"), SECONDS)
            network.cut()
            said = site.home / "third.txt"
            wait_for("the worker, cut off", lambda: "is lost; looking for it" in said.read_text(), SECONDS)
            network.mend()
            assert run.wait(SECONDS) == here.status, (site.home / "run.txt").read_text()
        finally:
            end(run)
        assert said.read_text().count("ready for") == 2
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
        (
            ("cluster", "scheduler", site.everywhere, "--certificates", str(site.certificates)),
            "Address already in use; choose another",
        ),
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
    end(child)


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
