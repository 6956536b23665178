"""What tests share: a lab with real servers, and where captured traffic may be found."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import node_client
import private_lab
import pytest
from hypothesis import settings
from known import CATALOGUE
from progress import EVERY, Telling

from harness.conduct.workers import Pool
from harness.labs import images
from harness.labs.domain import template
from harness.labs.local import LocalLab
from harness.learn.matching import KnownPersona, personas
from harness.servers import in_domain
from harness.servers.live import LiveServer
from harness.system import tempdirs

# How long an example takes says nothing on a machine that others use too.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# As from a terminal: nohup has the hang-up signal ignored, which every program would inherit.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))

_IMAGES = ("bullseye", "bullseye-security", "bookworm", "trixie", "forky", "clients", "wsdd", "avahi")
_OF_THE_DOMAIN = (in_domain.IMAGE, "bookworm-domain", "forky-domain")
_FIRST = count(1 + 20000 * WORKER, 500)
"""Labs and test processes share the namespace, so each has addresses of its own."""

MOST_WORKERS = 8
"""More of them end no earlier: what takes longest is in one process."""

MACHINES = ("machines", "more-machines")
"""The groups of tests that start virtual machines, each for one test process."""
LONGEST = ("test_rehearsal", "test_remote_libvirt")
"""Modules that take together about as long as the other ones with machines."""

LONG = ("vagrant", "xdist_group", "local_lab")
"""Markers of the tests that take longest, in their order."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--vagrant", action="store_true", help="run the tests that need virtual machines, too")
    parser.addoption(
        "--tell-every", type=float, default=EVERY, metavar="S", help="say each S seconds how far it is (20)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell how far the tests are, in the one process that knows of all of them."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Telling(config.getoption("--tell-every")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Test processes of ./test: one more than processors, for a test waits for servers while others compute.

    And one more with virtual machines, whose tests wait most of the time. Each takes 300 MB with its servers.
    """
    processors = len(os.sched_getaffinity(0))
    return min(processors + 1, MOST_WORKERS) + bool(config.getoption("--vagrant"))


# First, for pytest-xdist reads these groups in a hook of the same name.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long comes first, in an order that ./test has pytest-xdist keep.

    Virtual machines in two of the test processes: more guests at once take no less time each. Then what a
    module's tests share, made once: those that use it are in one test process. Then whatever is in the lab.
    """
    wanted = config.getoption("--vagrant")
    for item in items:
        if item.get_closest_marker("vagrant") is not None:
            item.add_marker(pytest.mark.xdist_group(MACHINES[item.path.stem in LONGEST]))
            if not wanted:
                item.add_marker(pytest.mark.skip(reason="needs virtual machines: run ./test --vagrant"))
        elif item.get_closest_marker("xdist_group") is None and _shares(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in LONG])


def pytest_collection_finish() -> None:
    """What was collected stays to the end, and is no garbage: a search for that is one through 7,000 tests.

    Each attempt of a client library in Python ends with such a search (measured: 0.3 s of processor time).
    """
    gc.freeze()


def _shares(item: pytest.Item) -> bool:
    """Whether it uses something that is made once for its module."""
    fixtures: Mapping[str, Sequence[pytest.FixtureDef[object]]] = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    return any(made[-1].scope == "module" for made in fixtures.values())


@pytest.fixture(scope="session")
def lab_in() -> Callable[[Path], LocalLab]:
    """Makes a local lab in a folder. Its servers are real."""
    private_lab.needed()
    found = images.ensure(CATALOGUE.images, _IMAGES, _quiet)
    return lambda folder: LocalLab(folder, found, first=next(_FIRST))


@pytest.fixture(scope="session")
def domain_lab(tmp_path_factory: pytest.TempPathFactory) -> LocalLab:
    """A local lab that has the domain: its template is made where nobody has made it yet."""
    private_lab.needed()
    found = images.ensure(CATALOGUE.images, (*_IMAGES, *_OF_THE_DOMAIN), _quiet)
    found = template.with_template(found, _quiet)
    return LocalLab(tmp_path_factory.mktemp("domain") / "lab", found, first=next(_FIRST))


@pytest.fixture(scope="session")
def lab(lab_in: Callable[[Path], LocalLab], tmp_path_factory: pytest.TempPathFactory) -> LocalLab:
    """The local lab, shared by a whole test process."""
    return lab_in(tmp_path_factory.mktemp("lab") / "lab")


@pytest.fixture
def temporaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's temporary files are; it sweeps no place that others use."""
    place, short = tmp_path / "temporaries", tmp_path / "short"
    for path in (place, short):
        path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(tempdirs, "SHORT", short)
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def _quiet(name: str, fraction: float, text: str) -> None:
    """Images are built before the tests; nothing to show."""


@pytest.fixture(scope="session")
def serve(lab: LocalLab) -> Iterator[Callable[[str], LiveServer]]:
    """A started server by name, shared by all tests of the process: leave it as it was."""
    started: dict[str, LiveServer] = {}
    with ExitStack() as stack:

        def get(name: str) -> LiveServer:
            if name not in started:
                started[name] = stack.enter_context(lab.serve(CATALOGUE.servers[name]))
            return started[name]

        yield get


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Two worker processes, shared by all tests of the process."""
    with Pool(CATALOGUE, 2) as workers:
        yield workers


@pytest.fixture(autouse=True)
def _the_client_can_run(request: pytest.FixtureRequest) -> None:
    """See ``node_client``: for tests in the lab that have a client's name as their parameter."""
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and request.node.get_closest_marker("local_lab"):
        node_client.need(str(callspec.params.get("name", "")))


@pytest.fixture(scope="session")
def captures() -> Path:
    """Captured traffic of real clients, where a checkout has it beside itself."""
    folder = Path(__file__).resolve().parent.parent.parent / "shared" / "captures"
    if not folder.is_dir():
        pytest.skip(f"no captures of real clients in {folder}")
    return folder


@pytest.fixture(scope="session")
def known() -> list[KnownPersona]:
    """The personas that are there, as something learned from a capture is held against them."""
    return personas()
