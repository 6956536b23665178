"""Messages of one SMB1 connection: signed, numbered, sent, and their answers. [MS-CIFS] 2.2.3, 3.1.4.1."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any

from harness.errors import LabFault, Refused
from harness.model import Side
from harness.smb import status
from harness.smb.headers import SMB1_MAGIC, smb1_answer, smb1_request
from harness.smb.negotiation import Smb1Chosen
from harness.smb.parsing import OEM, cut, expect, reading
from harness.smb.wire import Wire
from harness.system.later import Later

smb: Any = Later("impacket.smb")

_FLAG_ANSWER = 0x80
FLAGS2_SIGNED = 0x0004
_FLAGS2_NT_STATUS = 0x4000
_FLAGS2_UNICODE = 0x8000
_UNSOLICITED = 0xFFFF
# Fits into one answer with the buffer size that we announce, so no transaction answer comes in parts.
_TRANSACTION = 16384


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its status, the whole message, its words (parameters) and its data."""

    status: int
    message: bytes
    words: bytes
    data: bytes

    def number(self, at: int, what: str) -> int:
        """The 16-bit number at an offset in the words."""
        return int(struct.unpack("<H", cut(self.words, at, 2, what))[0])


class Smb1Exchange:
    """What every request of a connection has in common."""

    def __init__(self, wire: Wire, chosen: Smb1Chosen, flags2: int, oem: str = OEM) -> None:
        """``oem``: Python's codec of the server's texts that are not in UTF-16."""
        self._oem = oem
        self.signed = False
        self._wire = wire
        self._chosen = chosen
        self._flags2 = flags2
        self._uid = 0
        self._mid = 0
        self._sequence = 2
        self._signing_key = b""

    def follow(self, before: Smb1Exchange) -> None:
        """Number messages on from an earlier session of the same connection."""
        self._mid = before._mid

    @property
    def _unicode(self) -> bool:
        """Texts are in UTF-16, else in the character set of the machine: [MS-CIFS] 2.2.3.1."""
        return bool(self._flags2 & _FLAGS2_UNICODE)

    def _string(self, text: str) -> bytes:
        if self._unicode:
            return text.encode("utf-16le") + b"\0\0"
        return text.encode(self._oem, "replace") + b"\0"

    def _even(self, at: int) -> bytes:
        """What brings a text that would begin at ``at`` to an even place, where UTF-16 must begin."""
        return b"\0" * (at % 2) if self._unicode else b""

    def _transact(
        self,
        tree: int,
        name: str,
        setup: bytes,
        parameters: bytes,
        data: bytes,
        room: int,
        most_parameters: int = 0,
    ) -> tuple[bytes, bytes]:
        words = smb.SMBTransaction_Parameters()
        # 63 bytes and the setup words come before the name; what follows it begins at a multiple of four.
        begin = 63 + len(setup)
        padded = self._even(1) + self._string(name)
        padded += b"\0" * (-(begin + len(padded)) % 4)
        words["Setup"] = setup
        words["TotalParameterCount"] = words["ParameterCount"] = len(parameters)
        words["MaxParameterCount"] = most_parameters
        words["TotalDataCount"] = words["DataCount"] = len(data)
        words["MaxDataCount"] = room
        words["ParameterOffset"] = begin + len(padded)
        words["DataOffset"] = begin + len(padded) + len(parameters)
        reply = self._ask(
            smb.SMB.SMB_COM_TRANSACTION,
            words.getData(),
            padded + parameters + data,
            tree,
            also=(status.BUFFER_OVERFLOW,),
        )
        return _transaction(reply)

    def _transaction2(self, tree: int, subcommand: int, parameters: bytes) -> tuple[bytes, bytes]:
        words = smb.SMBTransaction2_Parameters()
        words["Setup"] = struct.pack("<H", subcommand)
        words["TotalParameterCount"] = words["ParameterCount"] = len(parameters)
        words["MaxParameterCount"] = 10
        words["TotalDataCount"] = words["DataCount"] = 0
        words["MaxDataCount"] = _TRANSACTION
        # 65 bytes come before; the parameters begin at a multiple of four.
        words["ParameterOffset"] = 68
        words["DataOffset"] = 0
        reply = self._ask(smb.SMB.SMB_COM_TRANSACTION2, words.getData(), b"\0" * 3 + parameters, tree)
        return _transaction(reply)

    def _nt_transact(self, tree: int, function: int, parameters: bytes) -> tuple[bytes, bytes]:
        """NT_TRANSACT without data, whose answer fits into one message: [MS-CIFS] 2.2.4.62."""
        # 73 bytes come before; the parameters begin at a multiple of four.
        sizes = (len(parameters), 0, 4, _TRANSACTION, len(parameters), 76, 0, 0)
        words = struct.pack("<BH8LBH", 0, 0, *sizes, 0, function)
        what = "an NT_TRANSACT answer"
        reply = self._ask(smb.SMB.SMB_COM_NT_TRANSACT, words, b"\0" * 3 + parameters, tree)
        with reading(what):
            _, whole, count, at, _, length, place = struct.unpack_from("<3x7L", reply.words)
        expect(length == whole, what, f"{length} of {whole} bytes in one message")
        return cut(reply.message, at, count, what), cut(reply.message, place, length, what)

    def _ask(
        self, command: int, words: bytes, data: bytes, tree: int = 0, *, also: tuple[int, ...] = ()
    ) -> Reply:
        """One request and its answer. Raises Refused for any status but success and ``also``."""
        reply = self._exchange(command, words, data, tree)
        if reply.status != status.SUCCESS and reply.status not in also:
            raise Refused(status.name(reply.status))
        return reply

    def _exchange(self, command: int, words: bytes, data: bytes, tree: int) -> Reply:
        self._mid += 1
        self._wire.send(self._message(command, words, data, tree))
        what = "an SMB1 answer"
        while True:
            raw = self._wire.receive()
            with reading(what):
                expect(raw[:4] == SMB1_MAGIC, what, f"it begins {raw[:4].hex()}")
                head = smb1_answer(raw)
                if head.message_id == _UNSOLICITED:
                    continue
                expect(head.message_id == self._mid, what, f"message {head.message_id}, not {self._mid}")
                answers = head.command == command and head.flags & _FLAG_ANSWER
                expect(bool(answers), what, f"command {head.command:#x}")
                reply = Reply(_status(raw, head.flags2), raw, head.words, head.data)
            if self.signed:
                self._check_signature(raw)
            return reply

    def _message(self, command: int, words: bytes, data: bytes, tree: int) -> bytes:
        process = self._chosen.hello.process
        message = smb1_request(command, self._flags2, tree, process, self._uid, self._mid, words, data)
        return self._signature_in(message, self._sequence) if self.signed else message

    def _signature_in(self, message: bytes, sequence: int) -> bytes:
        """[MS-CIFS] 3.1.4.1: MD5 over key and message with the sequence number in the signature's place."""
        numbered = message[:14] + struct.pack("<Q", sequence) + message[22:]
        return message[:14] + hashlib.md5(self._signing_key + numbered).digest()[:8] + message[22:]

    def _check_signature(self, message: bytes) -> None:
        expected = self._signature_in(message, self._sequence + 1)
        self._sequence += 2
        flagged = struct.unpack_from("<H", message, 10)[0] & FLAGS2_SIGNED
        if not flagged or message[14:22] == bytes(8):
            raise Refused(status.SIGNING_NOT_POSSIBLE, Side.CLIENT, "the server's answer is not signed")
        if message != expected:
            raise LabFault("the server sent garbage: an answer with a wrong signature")


def _status(message: bytes, flags2: int) -> int:
    if flags2 & _FLAGS2_NT_STATUS:
        return int(struct.unpack_from("<L", message, 5)[0])
    error_class, code = struct.unpack_from("<BxH", message, 5)
    return status.from_dos(error_class, code)


def _transaction(reply: Reply) -> tuple[bytes, bytes]:
    """The parameters and the data of a transaction's answer."""
    what = "a transaction's answer"
    parameters = cut(reply.message, reply.number(8, what), reply.number(6, what), what)
    whole, count = reply.number(2, what), reply.number(12, what)
    expect(count == whole, what, f"{count} of {whole} bytes in one message")
    return parameters, cut(reply.message, reply.number(14, what), count, what)
