"""What a program that we start finds around itself: its environment variables, its umask, its directory.

Nothing of the caller's may decide what a server, a client or a helper does: smbd takes the path of IPC$
from TMPDIR (measured, 4.13 to 4.25), libsmbclient reads $HOME/.smb, a JVM takes its time zone from TZ. So
every program gets ``SMALL`` and what its caller in our code adds, and nothing else. What works for the user
outside of any measurement (apt, Vagrant, ssh, npm) gets the few variables of ``tools`` besides.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping
from typing import Final

from harness.system import resources

UMASK: Final = 0o022
"""Of every program that we start: a server that runs as another user reads what we write for it."""

FOLDER: Final = "/"
"""Where a program starts that needs no certain place: the caller's may be deleted, or closed to us."""

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for: Debian's own PATH of root (login.defs(5), ENV_SUPATH)."""

SMALL: Final[Mapping[str, str]] = {
    "PATH": PATH,
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}
"""All that a server, a client or a helper finds by itself. HOME as Debian Policy 9.2.3 has it for those who
have none."""

RUN: Final = "SMB_REHEARSAL_RUN"
"""Passed on to every program: whoever starts a rehearsal finds by it what is left of one. Means nothing."""

_TERMINAL = ("TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")

_OURS = tuple(f"SMB_REHEARSAL_{name}" for name in ("ACCEL", "URI", "MIRROR", "HOST"))
"""What the user, or an earlier process of ours, tells this program."""

_TOOLS = (
    *("HOME", "USER", "LOGNAME", "TMPDIR"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"),
    *("SSH_AUTH_SOCK", "KRB5CCNAME", "KRB5_CONFIG", "DBUS_SESSION_BUS_ADDRESS"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
)
_TOOL_FAMILIES = ("VAGRANT_", "LIBVIRT_", "NPM_CONFIG_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")


def small(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a program that we start; ``more`` is what it gets besides ``SMALL``."""
    mark = {RUN: os.environ[RUN]} if RUN in os.environ else {}
    return {**SMALL, **mark, **(more or {})}


def ours() -> dict[str, str]:
    """For our own Python inside the lab: how it finds itself, what it was told, how its terminal is.

    The user's PYTHONPATH is not in it: what lies there could stand in the place of a client's library.
    """
    told = {name: os.environ[name] for name in (*_TERMINAL, *_OURS) if name in os.environ}
    return {**told, **python()}


def python() -> dict[str, str]:
    """What our own Python needs to find this very package again, without a home directory.

    A PYTHONPATH only where the interpreter does not look by itself: of a checkout, and of what was installed
    with ``pip install --user`` or ``--target``. It goes before the standard library (sys.path).
    """
    place = str(resources.path().parent)
    found = {} if place in site.getsitepackages() else {"PYTHONPATH": place}
    return {**found, "PYTHONSAFEPATH": "1"}


def tools() -> dict[str, str]:
    """For a program that acts for the user: where they are at home, their proxies, keys and certificates."""
    kept = {name: value for name, value in os.environ.items() if _is_for_tools(name)}
    return {**kept, "PATH": tool_path()}


def users() -> dict[str, str]:
    """All that the user has set, for a shell of theirs: without what a checkout's command adds for us."""
    mine = python()
    return {name: value for name, value in os.environ.items() if mine.get(name) != value}


def tool_path() -> str:
    """The caller's PATH without entries that depend on where one is, and the administrator's programs."""
    given = [entry for entry in os.environ.get("PATH", "").split(":") if entry.startswith("/")]
    more = [entry for entry in PATH.split(":") if not given or entry.endswith("sbin")]
    return ":".join(dict.fromkeys([*given, *more]))


def _is_for_tools(name: str) -> bool:
    return (
        name in _TOOLS or name in _OURS or name.upper() in _PROXIES or name.upper().startswith(_TOOL_FAMILIES)
    )


def settle() -> None:
    """Once at the start of our own program: a umask and standard streams that one can work with.

    Of what we write the owner may always use everything, and nobody else may change it. A stream that the
    caller has closed leads nowhere, else the next file that is opened would take its number: reading finds
    the end, messages vanish, and results that cannot be written are an error, as of a full disk.
    """
    given = os.umask(UMASK)
    os.umask(given & 0o077 | UMASK)
    for number, name, how in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free (open(2)): those below it have been seen to.
            os.open(os.devnull, how)
            stream = os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)


# Writing to what is open for reading alone fails (write(2), EBADF).
_STREAMS = ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY))
