"""One check by one client, once: its protocol steps, and what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.checks import StepName
from harness.model.phases import Outcome, Side

# What a step records where the server sent no NTSTATUS.
STATUS_OK = "STATUS_SUCCESS"
CLOSED = "CLOSED"
RESET = "RESET"
TIMEOUT = "TIMEOUT"
NO_DIALECT = "NO_DIALECT"
NO_ANSWER = "NO_ANSWER"
"""Nobody answered a question that went to a whole network, though it was seen to go round there."""

# What a step records that the server let pass, and where the client's own software went no further.
GAVE_UP = "GAVE_UP"
"""Each time it was tried."""
UNRELIABLE = "UNRELIABLE"
"""In some of several tries."""


class Identity(StrEnum):
    """As whom a check was done. A later one is more of a user than those before it."""

    ANONYMOUS = "anonymous"
    GUEST = "guest"
    ACCOUNT = "account"


_RANKS: Final = {one: rank for rank, one in enumerate(Identity)}


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
class Copied:
    """A large file that went to the server and back. It says how long that took, and judges nothing."""

    size: int
    """Bytes, each way."""
    write_seconds: float
    read_seconds: float
    write_size: int | None = None
    """Bytes of one WRITE at the most; None where the client's program does not tell."""
    read_size: int | None = None

    def than(self, before: Copied) -> tuple[float, float]:
        """How many times as long as ``before`` writing and reading took."""
        return self.write_seconds / before.write_seconds, self.read_seconds / before.read_seconds


class Fate(StrEnum):
    """What became of a connection that was open, with a file of the share, when the server was changed."""

    CARRIED_ON = "carried-on"
    """Nothing: the file that was open before is written over the very same session."""
    SHARE_CLOSED = "share-closed"
    """The share was closed under it, and connected again over the same session."""
    RECONNECTED = "reconnected"
    """It ended, and the server let the client in again."""
    SHUT_OUT = "shut-out"
    """It ended, and the server did not let the client in again."""


@dataclass(frozen=True, slots=True)
class Stayed:
    """What somebody saw who was connected, with a file open, when the server was changed."""

    fate: Fate
    by_itself: bool
    """The client connects again by itself; False: its user must start it again."""
    ended: str = ""
    """What the request was answered that met the end of the connection, or of its share; CLIENT where the
    client's own setting was changed and its connection ended with that; "" where none ended."""
    acknowledged: int = 0
    """Bytes of the file that the server had acknowledged by then."""
    kept: int | None = None
    """How many of these were read back from it then; None where it could not be read."""
    session: str = ""
    """What the session is that goes on: "SMB 1.0, signed"; "" where none does."""
    anew: str = ""
    """What a new connection got at that moment; "" where none was made beside it."""

    pipe: str = ""
    """What listing the shares was refused with, over a pipe that was opened then; "" where it was not."""

    @property
    def outdated(self) -> bool:
        """The session goes on in a way in which the server makes no new one."""
        return bool(self.session and self.anew and self.session != self.anew)

    @property
    def in_words(self) -> str:
        """All of it in one line."""
        again = "connected again" if self.by_itself else "connected again, which its user or program must do"
        what = {
            Fate.CARRIED_ON: "the connection from before goes on",
            Fate.SHARE_CLOSED: f"the share was closed under it ({self.ended}), and {again}",
            Fate.RECONNECTED: f"the connection from before ended ({self.ended}), and it {again}",
            Fate.SHUT_OUT: f"the connection from before ended ({self.ended}), and it does not get in again",
        }[self.fate]
        over = f", in a session of {self.session}" if self.session else ""
        beside = f"; a new connection gets: {self.anew}" if self.outdated else ""
        read = "the file could not be read back"
        if self.kept is not None:
            read = f"{self.kept} of {self.acknowledged} acknowledged bytes are in the file"
        return f"{what}{over}{beside}; {read}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One check by one client, once. ``ms`` is the whole attempt in milliseconds."""

    outcome: Outcome
    steps: tuple[Step, ...] = ()
    ms: float = 0.0
    step: StepName | None = None
    """The first failing step of a refusal."""
    status: str | None = None
    """The NTSTATUS name of [MS-ERREF], or CLOSED, RESET, TIMEOUT, NO_DIALECT, NO_ANSWER, GAVE_UP,
    UNRELIABLE; of a KDC the name of RFC 4120 7.5.9; of TLS those of ``harness.smb.quic.ending``."""
    side: Side | None = None
    """Whose policy said no."""
    dialect: str | None = None
    signed: bool | None = None
    encrypted: bool | None = None
    cipher: str | None = None
    auth: str | None = None
    """NTLMv1, NTLMv2, guest, anonymous, or Kerberos with its encryption: ``Kerberos (AES-256)``."""
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
    copied: Copied | None = None
    """How fast a large file went; None where none was copied, or not to the end."""
    stayed: Stayed | None = None
    """What became of a connection that was open before; None where none was."""
    tried_again: str = ""
    """That it was made once more, for the first try ran out of time: where, and how slow the machine was."""
    made_for: str = ""
    """Of a baseline: the change for which it was made, where its server went through that one before; "" for
    that of its own cell."""

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
        return _RANKS[self.identity] >= _RANKS[before.identity]

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
