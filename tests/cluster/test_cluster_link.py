"""The way to a scheduler: its address, certificates, what answers there, and the recipes of the docs."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import ssl
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from known import CATALOGUE

from harness.cluster import certificates
from harness.cluster.link import Link, greet, link, quietly, told
from harness.errors import LabFault, UsageError
from harness.system import certificates as x509s

with_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="the extra cluster is not installed")


def test_certificates_are_of_one_authority(tmp_path: Path) -> None:
    first = certificates.make(tmp_path / "one")
    assert [path.name for path in first] == ["ca.key", "ca.pem", "cluster.key", "cluster.pem"]
    assert {path.stat().st_mode & 0o777 for path in first if path.suffix == ".key"} == {0o600}
    context = ssl.create_default_context(cafile=tmp_path / "one/ca.pem")
    context.load_cert_chain(tmp_path / "one/cluster.pem", tmp_path / "one/cluster.key")
    with pytest.raises(UsageError, match="has a certificate already"):
        certificates.make(tmp_path / "one")
    # A second certificate of the same authority.
    (tmp_path / "one/cluster.pem").unlink()
    (tmp_path / "one/cluster.key").unlink()
    assert len(certificates.make(tmp_path / "one")) == 2
    (tmp_path / "half").mkdir()
    (tmp_path / "half/ca.pem").write_text("")
    with pytest.raises(UsageError, match=r"ca.pem or ca.key and not both"):
        certificates.make(tmp_path / "half")


@with_dask
@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("tcp://127.0.0.1:8786", "over TLS alone"),
        ("127.0.0.1:99999", "is no address of a scheduler"),
        ("nobody at home", "is no address of a scheduler"),
        ("tls://", "is no address of a scheduler"),
        ("", "is no address of a scheduler"),
        ("tls://a..b:1", "is no address of a scheduler"),
        (f"tls://{'a' * 64}:1", "is no address of a scheduler"),
        ("tls://127.0.0.1:\u0663", "is no address of a scheduler"),
    ],
)
def test_what_is_no_address(address: str, says: str) -> None:
    with pytest.raises(LabFault, match=says):
        link(address, None)


def _renewed(folder: Path, days: int) -> None:
    """Give a folder another certificate of its authority, which lasts for so many days from now."""
    by = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(by, ec.EllipticCurvePrivateKey)
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    key = x509s.new_key()
    (folder / "cluster.key").write_bytes(x509s.pem_of_key(key))
    (folder / "cluster.pem").write_bytes(x509s.pem(x509s.signed("renewed", key, by, authority, days)))


def test_certificates_that_are_of_no_use(tmp_path: Path) -> None:
    """Each in one line, before anybody is asked: it has expired, is none, or is not ours alone."""
    folder = tmp_path / "keys"
    certificates.make(folder)
    certificates.check(folder)
    (folder / "cluster.key").chmod(0o644)
    with pytest.raises(LabFault, match=r"cluster.key: everybody can read it, .*chmod o-r "):
        certificates.check(folder)
    # As a volume of Kubernetes may have it, for a user that is not root.
    (folder / "cluster.key").chmod(0o640)
    certificates.check(folder)
    (folder / "ca.pem").chmod(0o666)
    with pytest.raises(LabFault, match=r"everybody can write .*ca.pem, .*chmod o-w "):
        certificates.check(folder)
    (folder / "ca.pem").chmod(0o644)
    _renewed(folder, -2)
    with pytest.raises(LabFault, match=r"cluster.pem: has expired on \d{4}-\d\d-\d\d"):
        certificates.check(folder)
    (folder / "cluster.pem").write_bytes(b"\0\xff")
    with pytest.raises(LabFault, match="it is no certificate"):
        certificates.check(folder)
    (folder / "cluster.pem").unlink()
    with pytest.raises(LabFault, match="there is no such file"):
        certificates.check(folder)
    with pytest.raises(UsageError, match="36500 days at most"):
        certificates.make(tmp_path / "long", 100_000_000)


@with_dask
def test_an_address_may_be_short(tmp_path: Path) -> None:
    assert link("scheduler.example", tmp_path).address == "tls://scheduler.example:8786"
    assert link("[::1]:9000", tmp_path).address == "tls://[::1]:9000"


def test_what_was_cut_off_by_the_clock_is_told_by_what_it_waited_for(tmp_path: Path) -> None:
    try:
        raise asyncio.CancelledError
    except asyncio.CancelledError as cut:
        late = OSError("timed out after 10 s")
        late.__cause__ = cut
    way = Link("tls://127.0.0.1:1", tmp_path)
    with pytest.raises(LabFault, match=r"no scheduler answers at .* \(timed out after 10 s\)"), told(way):
        raise late


@pytest.mark.parametrize(
    ("openssl", "says"),
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "does not speak TLS"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "each other's certificate"),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", "each other's certificate"),
        ("[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate", "each other's certificate"),
    ],
)
def test_who_speaks_no_tls_is_told_from_who_has_another_certificate(
    tmp_path: Path, openssl: str, says: str
) -> None:
    with pytest.raises(LabFault, match=says), told(Link("tls://127.0.0.1:1", tmp_path)):
        raise ssl.SSLError(1, openssl)
    # Dask says it in words of its own where the other side has refused ours.
    with pytest.raises(LabFault, match=says), told(Link("tls://127.0.0.1:1", tmp_path)):
        raise OSError(f"in <TLS (closed)>: SSLError: {openssl}")


class Loaded:
    """An object of which loading makes a folder."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._place),)


@with_dask
@pytest.mark.parametrize(
    ("scheme", "of", "loads"), [("tcp", "ours", False), ("tls", "strange", False), ("tls", "ours", True)]
)
def test_nothing_is_loaded_that_a_scheduler_without_our_certificate_sent(
    tmp_path: Path, scheme: str, of: str, loads: bool
) -> None:
    """It answers whatever it is asked with such an object; only with our certificate that comes through."""
    for name in ("ours", "strange"):
        certificates.make(tmp_path / name)
    quietly(verbose=False)
    loaded = tmp_path / "loaded"
    from distributed.protocol.serialize import to_serialize

    pickled: Any = to_serialize

    async def answer(comm: Any) -> None:
        await comm.write({"status": "OK", "result": pickled(Loaded(loaded))})

    with pytest.raises(LabFault):
        asyncio.run(_greeted(scheme, Link("", tmp_path / of), Link("", tmp_path / "ours"), answer))
    assert loaded.exists() is loads


Answer = Callable[[Any], Awaitable[None]]


async def _greeted(scheme: str, theirs: Link, ours: Link, answer: Answer) -> None:
    """Greet one that answers so on a port of this machine."""
    async with _answering(scheme, theirs, answer) as port:
        await greet(replace(ours, address=f"tls://127.0.0.1:{port}"))


@asynccontextmanager
async def _answering(scheme: str, theirs: Link, answer: Answer) -> AsyncIterator[str]:
    """The port of one that answers so."""
    from distributed.comm.core import listen

    security: Any = theirs.security()
    how = security.get_listen_args("scheduler") if scheme == "tls" else {}
    listening: Any = listen
    async with listening(f"{scheme}://127.0.0.1:0", answer, **how) as listener:
        yield listener.contact_address.rpartition(":")[2]


@with_dask
@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"status": "error", "message": "name taken"}, "takes no worker on: .*name taken"),
        (None, "no scheduler answers at"),
    ],
)
def test_a_worker_that_is_not_taken_on_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, str] | None, says: str
) -> None:
    """Dask itself would ask again, or wait, without an end."""
    from harness.cluster import worker
    from harness.cluster.bench import Bench

    certificates.make(tmp_path / "keys")
    quietly(verbose=False)
    monkeypatch.setattr(worker, "_REGISTER", 60.0 if answers else 0.5)
    way = Link("", tmp_path / "keys")

    async def answer(comm: Any) -> None:
        while (await comm.read())["op"] != "register-worker":
            await comm.write({"status": "OK"})
        if answers:
            await comm.write({**answers, "time": 0.0})
        await comm.read()

    async def begun() -> None:
        async with _answering("tls", way, answer) as port:
            terms = worker.Terms(replace(way, address=f"tls://127.0.0.1:{port}"), {})
            await worker._begun(terms, Bench(tmp_path, CATALOGUE, None))

    with pytest.raises(LabFault, match=says):
        asyncio.run(begun())


@with_dask
def test_the_recipe_for_ssh_is_what_dask_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is printed, up to where the first connection would be made."""
    from distributed import SpecCluster
    from distributed.deploy import ssh

    made: list[dict[str, Any]] = []

    def cluster(*words: Any, **how: Any) -> None:
        made.append(inspect.signature(SpecCluster).bind(*words, **how).arguments)

    monkeypatch.setattr(ssh, "SpecCluster", cluster)
    code = re.search(r"    (from dask.distributed import SSHCluster\n.*?)    print", _page(), re.DOTALL)
    assert code is not None
    exec(textwrap.dedent(f"    {code[1]}"), {})
    (known,) = made
    assert [one["options"]["worker_class"] for one in known["workers"].values()] == [
        "harness.cluster.deployed.DeployedWorker"
    ] * 2


def test_the_recipe_for_kubernetes_does_not_say_twice_what_is_started() -> None:
    """Its arguments come after what the image starts by itself."""
    assert 'ENTRYPOINT ["rehearse"]' in (Path(__file__).parents[2] / "Containerfile").read_text()
    words = re.findall(r'"(?:scheduler|worker)", \["(\w+)"', _page())
    assert words == ["cluster", "worker"]


def _page() -> str:
    return (Path(__file__).parents[2] / "docs/cluster.md").read_text()


@with_dask
def test_a_worker_is_no_scheduler(tmp_path: Path) -> None:
    """Its port is soon taken for the scheduler's; what it does not know, it answers with None."""
    certificates.make(tmp_path)
    quietly(verbose=False)

    async def answer(comm: Any) -> None:
        knows = {"versions": {"packages": {"distributed": metadata.version("distributed")}}}
        while True:
            await comm.write(knows.get((await comm.read())["op"]))

    with pytest.raises(LabFault, match="is no scheduler of this Dask"):
        asyncio.run(_greeted("tls", Link("", tmp_path), Link("", tmp_path), answer))
