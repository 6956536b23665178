"""The nouns of a rehearsal as frozen dataclasses and enums. No I/O happens here.

mitigation x server x client x check = cell; each cell is attempted in three phases, each attempt
is a list of protocol steps, and from the phases follows the effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

# The nouns that have a room of their own; they are used from here.
from harness.checks import Check as Check
from harness.checks import StepName as StepName


class Phase(StrEnum):
    """When an attempt was made, relative to the change."""

    BASELINE = "baseline"
    APPLIED = "applied"
    ROLLED_BACK = "rolled_back"


class Identity(StrEnum):
    """As whom a check was done. A later one is more of a user than those before it."""

    ANONYMOUS = "anonymous"
    GUEST = "guest"
    ACCOUNT = "account"


class Outcome(StrEnum):
    """How one attempt ended. A fault is the lab's failure and never counts as a refusal."""

    OK = "ok"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    FAULT = "fault"


class Effect(StrEnum):
    """What a mitigation did to a cell, after the baseline is subtracted."""

    KEPT = "kept"
    LOST = "lost"
    GAINED = "gained"
    NEVER = "never"
    NOT_SETTLED = "not settled"
    """It came through as an emulated client whose behaviour here is not settled: whether the real one does,
    nobody knows."""
    FAULT = "fault"


class Side(StrEnum):
    """Whose policy said no, or on which side a mitigation acts."""

    SERVER = "server"
    CLIENT = "client"


class Fidelity(StrEnum):
    """How true a client or server is. Everything that is not REAL is emulated and is labelled so."""

    REAL = "real"
    """That very software runs."""
    RECORDED = "recorded"
    """Its offer is rebuilt from a capture of the real thing."""
    DOCUMENTED = "documented"
    """Its offer comes from the vendor's documentation."""
    CONFIGURED = "configured"
    """A server: real software of another version, configured to behave so on the wire."""

    @property
    def emulated(self) -> bool:
        """True for everything but the very software itself."""
        return self is not Fidelity.REAL


class Hole(StrEnum):
    """What a probe found of an exposure."""

    OPEN = "open"
    CLOSED = "closed"
    NOT_EXPOSED = "not exposed"
    """What the hole needs is not reachable or not there: nothing is said about the hole itself."""
    UNKNOWN = "unknown"
    """The probe could not decide, and says why. Never read as closed."""


class Tier(StrEnum):
    """The kind of lab that servers and clients live in."""

    LOCAL = "local"
    """Real Samba in a private network namespace: seconds, no virtual machine."""
    VAGRANT = "vagrant"
    """Real virtual machines that Vagrant starts."""


EVERY_LAB = frozenset(Tier)


# What a step records where the server sent no NTSTATUS.
STATUS_OK = "STATUS_SUCCESS"
CLOSED = "CLOSED"
RESET = "RESET"
TIMEOUT = "TIMEOUT"
NO_DIALECT = "NO_DIALECT"

# What a step records that the server let pass, and where the client's own software went no further.
GAVE_UP = "GAVE_UP"
"""Each time it was tried."""
UNRELIABLE = "UNRELIABLE"
"""In some of several tries."""


class Dialect(StrEnum):
    """The SMB dialects by the names of [MS-SMB2] 1.7 and [MS-CIFS] 1.7."""

    NT1 = "NT LM 0.12"
    SMB2_02 = "2.0.2"
    SMB2_10 = "2.1"
    SMB3_00 = "3.0"
    SMB3_02 = "3.0.2"
    SMB3_11 = "3.1.1"

    @property
    def in_words(self) -> str:
        """As people say it: SMB1, SMB 2.1."""
        return "SMB1" if self is Dialect.NT1 else f"SMB {self}"

    @property
    def revision(self) -> int:
        """The 16-bit DialectRevision of [MS-SMB2] 2.2.4; 0 for SMB1."""
        return _REVISIONS[self]

    @classmethod
    def from_revision(cls, revision: int) -> Dialect:
        """The dialect of a DialectRevision. Raises KeyError for one that [MS-SMB2] does not know."""
        return _BY_REVISION[revision]


_REVISIONS = {
    Dialect.NT1: 0,
    Dialect.SMB2_02: 0x0202,
    Dialect.SMB2_10: 0x0210,
    Dialect.SMB3_00: 0x0300,
    Dialect.SMB3_02: 0x0302,
    Dialect.SMB3_11: 0x0311,
}
_BY_REVISION = {revision: dialect for dialect, revision in _REVISIONS.items()}


@dataclass(frozen=True, slots=True)
class CellId:
    """``mitigation:server:client:check``: the name of a cell and its selector everywhere."""

    mitigation: str
    server: str
    client: str
    check: str

    def __str__(self) -> str:
        return f"{self.mitigation}:{self.server}:{self.client}:{self.check}"

    @classmethod
    def parse(cls, text: str) -> CellId:
        """Read a cell id. Raises ValueError when it has not four parts."""
        parts = text.split(":")
        if len(parts) != 4 or not all(parts):
            raise ValueError(f"{text!r} is not mitigation:server:client:check")
        return cls(*parts)


@dataclass(frozen=True, slots=True)
class Step:
    """One protocol step: what was answered, and how long it took (milliseconds)."""

    name: StepName
    status: str
    ms: float
    detail: str = ""

    @property
    def ok(self) -> bool:
        """True when the server let the step pass."""
        return self.status == STATUS_OK


@dataclass(frozen=True, slots=True)
class Attempt:
    """One check by one client, once. ``ms`` is the whole attempt in milliseconds."""

    outcome: Outcome
    steps: tuple[Step, ...] = ()
    ms: float = 0.0
    step: StepName | None = None
    """The first failing step of a refusal."""
    status: str | None = None
    """The NTSTATUS name of [MS-ERREF], or CLOSED, RESET, TIMEOUT, NO_DIALECT, GAVE_UP, UNRELIABLE."""
    side: Side | None = None
    """Whose policy said no."""
    dialect: str | None = None
    signed: bool | None = None
    encrypted: bool | None = None
    cipher: str | None = None
    auth: str | None = None
    """NTLMv1, NTLMv2, guest or anonymous."""
    server_signing: str | None = None
    """What the server's NEGOTIATE says of signing: "required", "enabled", or "none" (SMB1 only).

    None where no answer was seen. [MS-SMB2] 2.2.4, SecurityMode; [MS-CIFS] 2.2.4.52.2."""
    agreed_cipher: str | None = None
    """The cipher that NEGOTIATE agreed on, whether or not it is used then; "" where there is none.

    None where no answer was seen. [MS-SMB2] 2.2.4.1.2 for 3.1.1; 3.0 and 3.0.2 have AES-128-CCM alone."""
    note: str = ""
    """Why it is unsupported or a fault; for a refusal, what the client itself said."""
    unsure: str = ""
    """Why the step and the status of a refusal are not verified; "" where they are."""
    not_settled: str = ""
    """What an emulated client did here rests on a value about which sources disagree or are silent: which
    value, and the sources. "" where there is no such value."""
    inferred: str = ""
    """The same of a value that sources agree on, and that is only inferred for this kind of client."""
    said: str = ""
    """What a real client told its user when it failed, in its own words; "" for none or an emulated one."""
    works: tuple[int, int] | None = None
    """(n, m): the check was made m times in a row and came through n times; None where it was made once."""
    waited_on: bool = False
    """The server hung up, and the client did not notice: a TIMEOUT to its user, whatever our limits are."""
    tried_again: str = ""
    """That it was made once more, for the first try ran out of time: where, and how slow the machine was."""

    @property
    def identity(self) -> Identity | None:
        """As whom the server took it, at the last session setup; None where there was none."""
        if self.auth in (Identity.GUEST, Identity.ANONYMOUS):
            return Identity(self.auth)
        return Identity.ACCOUNT if self.auth else None

    def as_good_as(self, before: Attempt) -> bool:
        """Whether it came through as it did before: not as nobody where it was a guest or had an account.

        A client that was seen to come through only sometimes before need not do better now.
        """
        sometimes = before.works is not None and self.works is not None and self.works[0] > 0
        if self.outcome is not Outcome.OK and not sometimes:
            return False
        if before.identity is None or self.identity is None:
            return True
        order = list(Identity)
        return order.index(self.identity) >= order.index(before.identity)

    @property
    def keyless(self) -> bool:
        """Let in as a guest or as anonymous: such a session has no key to sign or encrypt with.

        [MS-SMB2] 3.2.5.3.1.
        """
        return self.auth in ("guest", "anonymous")

    @property
    def timed_out(self) -> bool:
        """No answer came within our limit: refused so, or too little was done by then to be judged."""
        return self.status == TIMEOUT and not self.waited_on

    @classmethod
    def fault(cls, reason: str, *, steps: tuple[Step, ...] = (), ms: float = 0.0) -> Attempt:
        """An attempt that the lab broke."""
        return cls(Outcome.FAULT, steps=steps, ms=ms, note=reason)


@dataclass(frozen=True, slots=True)
class ClientPolicy:
    """What the administrator set on a client; client-side mitigations change it, nothing else does."""

    smb1: bool = True
    """False: the client's SMB1 driver was removed."""
    min_dialect: Dialect = Dialect.NT1
    max_dialect: Dialect = Dialect.SMB3_11
    require_signing: bool = False
    require_encryption: bool = False
    guest: bool = True
    """False: the client refuses a session that the server marks as guest."""
    ntlmv2_only: bool = False
    """True: the client sends NTLMv2 whatever its default is (LmCompatibilityLevel 3 and above)."""


@dataclass(frozen=True, slots=True)
class GuestRoute:
    """How to run something in a virtual machine of the lab: SSH with a key, or with the lab's password.

    WinRM (Windows only) always takes the password.
    """

    name: str
    """The guest, as the Vagrantfile calls it."""
    address: str
    port: int
    user: str
    key: str = ""
    """Path of the private key; "" where the password is used."""
    password: str = field(default="", repr=False)
    communicator: Literal["ssh", "winrm"] = "ssh"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client is sent: one server of the lab and the account it uses."""

    address: str
    share: str
    user: str
    password: str = field(repr=False)
    port: int = 445
    seconds: float = 10.0
    """The most that one attempt may take."""
    roots: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The images whose client programs the lab provides: name -> the command line that runs one in it."""
    guests: tuple[GuestRoute, ...] = ()
    """The virtual machines whose own clients the lab provides."""
    tunnel: str = ""
    """The machine that an SSH tunnel to the server leads through; "" where it is reached directly. The lab's
    guests are beside the server, and reach it directly in any case."""

    def guest(self, name: str) -> GuestRoute | None:
        """The way to a guest, or None when the lab has not that guest."""
        return next((route for route in self.guests if route.name == name), None)

    def program(self, image: str, path: str) -> tuple[str, ...] | None:
        """The command line that starts a program of an image, or None when the lab has not that image."""
        command = dict(self.roots).get(image)
        return None if command is None else (*command, path)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact comes from."""

    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What an effect probe saw: whether a mitigation is in force, and the observation that decided it."""

    in_effect: bool
    evidence: str
    visible: bool = True
    """False: nobody gets in to look, so that it is not shown either way."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one exposure probe saw, and the observation that decided it."""

    state: Hole
    evidence: str
