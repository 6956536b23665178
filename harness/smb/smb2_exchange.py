"""Messages of one SMB2 connection: numbered, signed or encrypted, and their answers. [MS-SMB2] 3.2.4.1."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from harness.errors import LabFault, Refused
from harness.model import Dialect, Side
from harness.smb import status
from harness.smb.headers import IS_ANSWER, SMB2_MAGIC, Command, Smb2Header, smb2_answer, smb2_request
from harness.smb.negotiation import Smb2Chosen
from harness.smb.parsing import cut, expect, reading
from harness.smb.seal import TRANSFORM_MAGIC, Sealer, Signer
from harness.smb.session import GuestSigning, Manner
from harness.smb.wire import Wire

HEADER = 64
_FLAG_SIGNED = 0x8
_FLAG_DFS = 0x10000000
UNSOLICITED = 0xFFFFFFFFFFFFFFFF
_WHAT = "an SMB2 answer"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its status and the whole message, decrypted."""

    status: int
    message: bytes

    def buffer(self, place: str, at: int, what: str) -> bytes:
        """The variable part that an offset and a length (``place`` in struct notation) point to."""
        with reading(what):
            offset, length = struct.unpack_from(place, self.message, HEADER + at)
        return cut(self.message, offset, length, what)


class Smb2Exchange:
    """What every request of a connection has in common."""

    def __init__(self, wire: Wire, chosen: Smb2Chosen, manner: Manner) -> None:
        self.dialect = chosen.dialect
        self.guest = False
        self._signs = False
        self._guest_signing = GuestSigning.UNSIGNED
        self._encrypts = False
        self._encrypted_trees: set[int] = set()
        self._dfs_trees: dict[int, str] = {}
        """Trees of DFS shares, with the path that names there begin with."""
        self._wire = wire
        self._chosen = chosen
        self._manner = manner
        self._message_id = chosen.next_message_id
        self._session_id = 0
        self._credits = 1
        """That the server granted; what it did in NEGOTIATE is not counted."""
        self._preauth = chosen.preauth
        self._signer: Signer | None = None
        self._sealer: Sealer | None = None

    def follow(self, before: Smb2Exchange) -> None:
        """Number messages on from an earlier session of the same connection ([MS-SMB2] 3.2.4.1.3)."""
        self._message_id, self._credits = before._message_id, before._credits

    def _ask(
        self,
        command: Command,
        body: bytes,
        tree: int = 0,
        *,
        sign: bool = False,
        also: tuple[int, ...] = (),
        charge: int = 1,
    ) -> Reply:
        """One request and its answer. Raises Refused for any status but success and ``also``."""
        message, encrypted = self._secured(command, body, tree, sign=sign, charge=charge)
        self._wire.send(message)
        return self._judged(self._answer(self._numbered(charge)), encrypted, also)

    def _secured(
        self, command: Command, body: bytes, tree: int, *, sign: bool = False, charge: int = 1
    ) -> tuple[bytes, bool]:
        """A request as it goes out, signed or encrypted; whether it is encrypted."""
        message = self._message(command, body, tree, charge)
        (flags,) = struct.unpack_from("<L", message, 16)
        encrypt = self._encrypts or tree in self._encrypted_trees
        if encrypt and self._sealer:
            message = self._sealer.encrypt(message, self._session_id)
        elif (self._signs or sign) and self._signer:
            message = message[:16] + struct.pack("<L", flags | _FLAG_SIGNED) + message[20:]
            message = message[:48] + self._signer.signature(message) + message[64:]
        elif self._guest_signing is GuestSigning.ZERO:
            message = message[:16] + struct.pack("<L", flags | _FLAG_SIGNED) + message[20:]
        return message, encrypt and self._sealer is not None

    def _judged(self, reply: Reply, encrypted: bool, also: tuple[int, ...] = ()) -> Reply:
        if reply.status != status.SUCCESS and reply.status not in also:
            raise Refused(status.name(reply.status))
        if self._signs and not encrypted:
            self._check_signature(reply.message, needed=True)
        return reply

    def _message(self, command: Command, body: bytes, tree: int, charge: int = 1) -> bytes:
        charge = 0 if self.dialect is Dialect.SMB2_02 else charge
        number, process = self._message_id, self._chosen.hello.process
        flags = _FLAG_DFS if command is Command.CREATE and tree in self._dfs_trees else 0
        return smb2_request(command, charge, number, process, tree, self._session_id, flags=flags) + body

    def _exchange(self, message: bytes) -> Reply:
        self._wire.send(message)
        return self._answer(self._numbered())

    def _numbered(self, charge: int = 1) -> int:
        """The id of the message that was just sent; it takes as many as its charge ([MS-SMB2] 3.2.4.1.5)."""
        number, self._message_id = self._message_id, self._message_id + charge
        self._credits -= charge
        return number

    def _answer(self, awaited: int) -> Reply:
        """The final answer to a message; interim ones and what nobody asked for are passed over."""
        while True:
            head, reply = self._received()
            if head.status == status.PENDING or head.message_id == UNSOLICITED:
                continue
            fits = head.message_id == awaited and bool(head.flags & IS_ANSWER)
            expect(fits, _WHAT, f"message {head.message_id}, not {awaited}")
            return reply

    def _received(self) -> tuple[Smb2Header, Reply]:
        """The next message, decrypted."""
        raw = self._wire.receive()
        if raw[:4] == TRANSFORM_MAGIC:
            expect(self._sealer is not None, _WHAT, "it is encrypted, and no cipher was agreed on")
            raw = self._sealer.decrypt(raw) if self._sealer else raw
        with reading(_WHAT):
            expect(raw[:4] == SMB2_MAGIC, _WHAT, f"it begins {raw[:4].hex()}")
            head = smb2_answer(raw)
        self._credits += head.credits
        return head, Reply(head.status, raw)

    def _check_signature(self, message: bytes, needed: bool = False) -> None:
        if self._signer is None:
            return
        (flags,) = struct.unpack_from("<L", message, 16)
        if not flags & _FLAG_SIGNED:
            if needed:
                raise Refused(status.SIGNING_NOT_POSSIBLE, Side.CLIENT, "the server's answer is not signed")
            return
        if self._signer.signature(message) != message[48:64]:
            raise LabFault("the server sent garbage: an answer with a wrong signature")
