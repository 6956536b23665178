"""The way to a scheduler: its address, the certificates, and whether it is one that this program can use."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cluster import certificates, identity
from harness.errors import LabFault
from harness.system import resources
from harness.system.paths import config_dir

if TYPE_CHECKING:
    from distributed.security import Security

PORT = 8786
"""Of a scheduler of Dask, where an address names none."""
CONNECT = 10.0
"""Seconds that a scheduler may take to answer."""
_ADDRESS = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
)

_OF_CERTIFICATES = re.compile("CERT|UNKNOWN_CA|DECRYPT_ERROR", re.IGNORECASE)
"""In what OpenSSL says where a certificate is not accepted, here or on the other side (RFC 8446, 6.2)."""


@dataclass(frozen=True)
class Link:
    """A scheduler's address (``tls://HOST:PORT``), and the folder with our certificate."""

    address: str
    folder: Path

    def security(self) -> Security:
        """TLS for both directions, and nothing without it. Raises LabFault for certificates that are none."""
        from distributed.security import Security

        certificates.check(self.folder)
        authority, certificate, key = (
            self.folder / name
            for name in (certificates.AUTHORITY, certificates.CERTIFICATE, certificates.KEY)
        )
        names = {"tls_ca_file": str(authority), "require_encryption": True}
        for role in ("client", "worker", "scheduler"):
            names |= {f"tls_{role}_cert": str(certificate), f"tls_{role}_key": str(key)}
        made = Security(**names)
        try:
            made.get_connection_args("client")
        except (OSError, ssl.SSLError) as error:
            raise LabFault(f"{self.folder}: its certificate cannot be used: {_why(error)}") from error
        return made


def certificates_dir() -> Path:
    """Where certificates are when nobody names a folder. Raises LabFault for a user without a home."""
    return config_dir() / "cluster"


def link(address: str, folder: Path | None) -> Link:
    """Raises LabFault for an address that is none, and where the package ``distributed`` is not installed."""
    installed()
    found = _ADDRESS.fullmatch(address)
    if not found or not 0 < int(found["port"] or PORT) < 2**16 or not _is_name(found["host"]):
        raise LabFault(f"{address!r} is no address of a scheduler", "it looks like tls://HOST:8786")
    if found["scheme"] not in (None, "tls"):
        raise LabFault(
            f"{address}: a cluster is reached over TLS alone, for who reaches it can run programs there",
            f"tls://{found['host']}:{found['port'] or PORT}, and: rehearse help cluster",
        )
    return Link(f"tls://{found['host']}:{found['port'] or PORT}", folder or certificates_dir())


def _is_name(host: str) -> bool:
    """Whether it can be asked for: no part of it is empty or too long (RFC 1035, 2.3.4)."""
    try:
        return bool(host.encode("idna"))
    except UnicodeError:
        return False


def installed() -> None:
    """Raises LabFault, which says how to install it, without the package ``distributed``."""
    if importlib.util.find_spec("distributed") is None:
        pip = f"{sys.executable} -m pip install"
        what = (
            "'smb-rehearsal[cluster]'"
            if resources.installed()
            else f"-r {resources.top('requirements')}/cluster.txt"
        )
        raise LabFault(
            "a cluster needs the Python package distributed, which is not installed", f"{pip} {what}"
        )


def quietly(*, verbose: bool) -> None:
    """Settle Dask before it is loaded: its words only when asked for, and none of what would look around.

    Raises LabFault without the package.
    """
    installed()
    import dask.config

    level = "info" if verbose else "critical"
    names = ("distributed", "distributed.client", "distributed.worker", "distributed.scheduler", "tornado")
    dask.config.set(
        {
            "logging": dict.fromkeys((*names, "tornado.application", "asyncio"), level),
            # No web pages, and nothing that measures Dask itself.
            "distributed.worker.http.routes": [],
            "distributed.scheduler.http.routes": [],
            "distributed.worker.profile.enabled": False,
            "distributed.admin.system-monitor.interval": "60s",
            "distributed.admin.tick.interval": "1s",
            "distributed.scheduler.worker-ttl": "60s",
            "distributed.comm.require-encryption": True,
            "distributed.comm.timeouts.connect": f"{CONNECT}s",
            # How soon it is seen that a machine is gone without a word.
            "distributed.comm.timeouts.tcp": "20s",
        }
    )


async def greet(to: Link) -> None:
    """Raises LabFault, in one line, unless a scheduler with our certificate, Dask and harness is there."""
    from distributed.core import rpc
    from distributed.protocol.pickle import dumps

    security = to.security()
    with told(to):
        async with rpc(
            to.address, timeout=CONNECT, connection_args=security.get_connection_args("client")
        ) as scheduler:
            async with asyncio.timeout(2 * CONNECT):
                versions: Any = await scheduler.versions()
                theirs = versions["packages"]["distributed"]
                if theirs != (mine := metadata.version("distributed")):
                    raise LabFault(
                        f"the scheduler at {to.address} has Dask {theirs}, and this machine {mine}",
                        "all machines of a cluster need the same",
                    )
                # Of a worker this calls nothing, and the answer is None.
                answer: Any = await scheduler.run_function(function=dumps(identity.as_text))
                result = answer.get("result")
    said = identity.of_text(result)
    if said is None:
        raise LabFault(
            f"the scheduler at {to.address} has no smb-rehearsal that this one knows",
            "start it with: rehearse cluster scheduler",
        )
    if said != identity.mine():
        raise LabFault(
            f"the scheduler at {to.address} has {said}, and this machine {identity.mine()}",
            "all machines of a cluster need the same",
        )


@contextmanager
def told(to: Link) -> Iterator[None]:
    """What goes wrong with a connection, in one line: LabFault."""
    try:
        yield
    except (ssl.SSLError, TimeoutError, OSError, EOFError) as error:
        # What is cut off because time is up says nothing of why.
        chain = [one for one in _chain(error) if not isinstance(one, asyncio.CancelledError)]
        said = " ".join(map(str, chain))
        if any(isinstance(one, ssl.SSLError) for one in chain) or "SSLError" in said:
            if not _OF_CERTIFICATES.search(said):
                raise LabFault(
                    f"{to.address}: what answers there does not speak TLS ({_why(chain[-1])})",
                    "a scheduler that this program starts does: rehearse cluster scheduler",
                ) from error
            raise LabFault(
                f"{to.address}: the other side and this one do not accept each other's certificate "
                f"({_why(chain[-1])})",
                f"both need certificates of one authority: {to.folder}",
            ) from error
        raise LabFault(
            f"no scheduler answers at {to.address} ({_why(chain[-1])})",
            "start one with: rehearse cluster scheduler",
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LabFault(f"{to.address}: what answers there is no scheduler of this Dask") from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _why(error: BaseException) -> str:
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (words or type(error).__name__).strip().splitlines()[0]
