"""jcifs 1.3: the SMB1 of Java, which still lives inside old applications and document management.

One JVM for each worker process: it takes 0.25 s to start and 40 MB (measured).
"""

from __future__ import annotations

from typing import Final

from harness.clients import _process as process
from harness.clients._process import Goal
from harness.clients._resident_client import LISTS_FILES, LISTS_SHARES, WRITES, ResidentClient
from harness.model import Check, ClientPolicy, Dialect, Evidence
from harness.system import client_image as programs

_COMMAND: Final = (
    programs.JAVA,
    "-Xmx64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-cp",
    f"{programs.JCIFS_JAR}:{programs.JAVA_CLASSES}",
    "Jcifs",
)

_NOT_ASKED: Final = "jcifs can, and the program of this lab that runs jcifs does not ask it to"


class Jcifs(ResidentClient):
    """``listFiles`` of the server to browse, of the share to open; streams and ``delete`` to write."""

    name = "jcifs"
    title = "jcifs 1.3, the SMB1 library of Java applications"
    evidence = (
        Evidence("its one dialect is NT LM 0.12: it has no SMB2", "jcifs 1.3.19, package libjcifs-java"),
        Evidence("NTLMv2 unless told otherwise", "jcifs 1.3.19, jcifs.smb.lmCompatibility: default 3"),
        Evidence("it lists shares by RAP, for which the server opens no pipe", "measured on the wire"),
        Evidence(
            "it refuses to be a guest where it has a password",
            "jcifs 1.3.19, SmbSession.sessionSetup: isLoggedInAsGuest; measured",
        ),
    )
    checks = frozenset({Check.BROWSE, Check.OPEN, Check.WRITE})
    cannot = {  # noqa: RUF012 (read only)
        Check.RENAME: _NOT_ASKED,
        Check.PERMISSIONS: _NOT_ASKED,
        Check.LARGE: _NOT_ASKED,
        Check.LOCK: "jcifs 1.3 has no call for it",
    }
    policy = ClientPolicy(max_dialect=Dialect.NT1, ntlmv2_only=True, guest=False)
    smb1_removable = "jcifs 1.3 has no SMB2: the application itself must be changed to another library"
    sees = {  # noqa: RUF012 (read only)
        "connect:RESET": "SmbException: Failed to connect: 0.0.0.0<00>/…",
        "*:TIMEOUT": "nothing: it waits on",
    }
    goals = {  # noqa: RUF012 (read only)
        Check.BROWSE: Goal(LISTS_SHARES),
        Check.OPEN: Goal(LISTS_FILES),
        Check.WRITE: Goal(WRITES),
    }
    patience = 8.0
    domain_in_name = True
    env = programs.JAVA_ENV

    def command(self) -> tuple[str, ...]:
        return _COMMAND

    def settings(self, policy: ClientPolicy) -> dict[str, str]:
        process.has_settings(self.name, self.policy, policy)
        return {}


CLIENTS = (Jcifs(),)
