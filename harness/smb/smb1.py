"""An SMB1 connection after NEGOTIATE: [MS-CIFS] section 2.2.4 with the extensions of [MS-SMB]."""

from __future__ import annotations

import struct
from typing import Any

from harness.errors import Refused
from harness.model import Dialect, Side
from harness.smb import security, status
from harness.smb.kerberos.logon import KerberosLogon
from harness.smb.listing import BOTH_DIRECTORY, names
from harness.smb.negotiation import Smb1Chosen
from harness.smb.ntlm import Account, NtlmManner, bare_logon
from harness.smb.parsing import OEM, cut, reading
from harness.smb.pipes import rap
from harness.smb.session import AnyLogon, Manner, Opened, Signing
from harness.smb.smb1_exchange import FLAGS2_SIGNED, Reply, Smb1Exchange
from harness.smb.wire import Wire
from harness.system.later import Later

smb: Any = Later("impacket.smb")

_FLAGS2_EXTENDED_SECURITY = 0x0800
_CAP_EXTENDED_SECURITY = 0x80000000
_ACTION_GUEST = 0x1
_SECURITY_ENCRYPTED_PASSWORDS = 0x2
# Fits into one answer with the buffer size that we announce, so no transaction answer comes in parts.
_BUFFER = 61440
_PIPE_ACCESS = 0x0012019F
_READ_WRITE_DELETE = 0x0013019F
_TRANSACT_NAMED_PIPE = 0x26
_PEEK_NAMED_PIPE = 0x23
_ADD_FILE = 0x2
_QUERY_SECURITY = 6
_CAP_LARGE_READX, _CAP_LARGE_WRITEX = 0x4000, 0x8000
_LARGE = 60 * 1024
_FIND_FIRST2 = 1
_FIND_NEXT2 = 2
_BOTH_DIRECTORY_INFO = 0x104
# [MS-CIFS] 2.2.6.2.1: attributes, how many, flags, information level, storage type; then the name.
_FIRST = struct.Struct("<HHHHL")
# [MS-CIFS] 2.2.6.3.1: search, how many, information level, resume key, flags; then the name.
_NEXT = struct.Struct("<HHHLH")


class Smb1(Smb1Exchange):
    """One connection and its one session; implements ``harness.smb.session.Session``."""

    dialect = Dialect.NT1
    encrypted = False
    cipher: str | None = None

    def __init__(self, wire: Wire, chosen: Smb1Chosen, manner: Manner, oem: str = OEM) -> None:
        """``oem`` as for ``Smb1Exchange``."""
        super().__init__(wire, chosen, manner.smb1.flags2, oem)
        self.guest = False
        self._manner = manner

    @property
    def signing_required(self) -> bool:
        """The server accepts signed requests only."""
        return self._chosen.signing_required

    @property
    def can_sign(self) -> bool:
        """A key was agreed on, and the server can sign."""
        return bool(self._signing_key) and self._chosen.signing_offered

    @property
    def takes_tickets(self) -> bool:
        """The server has extended security."""
        return self._chosen.extended_security

    def log_on(self, logon: AnyLogon) -> None:
        """SESSION_SETUP_ANDX: by SPNEGO where the server has extended security, else bare.

        A ticket goes nowhere but into SPNEGO: whoever has one looked whether there is any.
        """
        if self._chosen.extended_security or isinstance(logon, KerberosLogon):
            key = self._log_on_extended(logon)
        else:
            key = self._log_on_bare(logon.account, logon.manner)
        if not self.guest and logon.auth != "anonymous":
            self._signing_key = key
        self.signed = self._will_sign()
        self._flags2 = (self._flags2 & ~FLAGS2_SIGNED) | (FLAGS2_SIGNED if self.signed else 0)

    def tree_connect(self, path: str) -> int:
        """TREE_CONNECT_ANDX with an empty password: security is the user's, not the share's."""
        words = smb.SMBTreeConnectAndX_Parameters()
        words["PasswordLength"] = 1
        data = b"\0" + self._string(path) + b"?????\0"
        reply = self._ask(smb.SMB.SMB_COM_TREE_CONNECT_ANDX, words.getData(), data)
        with reading("the TREE_CONNECT answer"):
            return int(struct.unpack_from("<H", reply.message, 24)[0])

    def open_pipe(self, tree: int, name: str) -> Opened:
        """NT_CREATE_ANDX on IPC$."""
        return self._create(tree, f"\\{name}", _PIPE_ACCESS, disposition=1, options=0x40)

    def transceive(self, pipe: Opened, data: bytes) -> bytes:
        """TRANSACTION with TRANSACT_NMPIPE."""
        setup = struct.pack("<H", _TRANSACT_NAMED_PIPE) + pipe.handle
        return self._transact(pipe.tree, "\\PIPE\\", setup, b"", data, 4280)[1]

    def list_by_rap(self, tree: int) -> list[str]:
        """TRANSACTION on \\PIPE\\LANMAN: the shares' names without any pipe of a service."""
        room = _BUFFER - 1024
        answer = self._transact(tree, rap.PIPE, b"", rap.request(), b"", room, most_parameters=8)
        return rap.shares(*answer, self._oem)

    def servers_by_rap(self, tree: int, workgroup: str) -> list[str]:
        """The same for the servers of a workgroup, which its master browser knows."""
        room = _BUFFER - 1024
        request = rap.servers_request(workgroup, self._oem)
        answer = self._transact(tree, rap.PIPE, b"", request, b"", room, most_parameters=8)
        return rap.servers(*answer, self._oem)

    def peek_no_pipe(self, tree: int) -> None:
        """TRANSACTION with PEEK_NMPIPE of FID 0, which is no open pipe, and room for 64 KiB of answer.

        [MS-CIFS] 2.2.5.5. A Windows without MS17-010 runs out of buffers before it looks at the FID.
        """
        setup = struct.pack("<HH", _PEEK_NAMED_PIPE, 0)
        self._transact(tree, "\\PIPE\\", setup, b"", b"", 0xFFFF, most_parameters=0xFFFF)

    def root_security(self, tree: int) -> bytes:
        """NT_CREATE_ANDX of the root, NT_TRANSACT_QUERY_SECURITY_DESC, CLOSE: [MS-CIFS] 2.2.7.6."""
        root = self._create(tree, "", security.READ_CONTROL, disposition=1, options=1)
        asked = root.handle + struct.pack("<HL", 0, security.OWNER_GROUP_DACL)
        _, descriptor = self._nt_transact(tree, _QUERY_SECURITY, asked)
        self.close(root)
        return descriptor

    def may_add(self, tree: int) -> None:
        """Open the root with the right to add files to it, and close it: nothing is written."""
        root = self._create(tree, "", _ADD_FILE, disposition=1, options=1)
        self.close(root)

    def read_pipe(self, pipe: Opened) -> bytes:
        """READ_ANDX on a pipe."""
        return self.read(pipe, 4280)

    def list_root(self, tree: int) -> list[str]:
        """FIND_FIRST2 and FIND_NEXT2 until the end of the search."""
        # Hidden files and directories too, 512 at once; close at the end of the search.
        first = _FIRST.pack(0x16, 512, 0x2, _BOTH_DIRECTORY_INFO, 0) + self._string("\\*")
        parameters, listing = self._transaction2(tree, _FIND_FIRST2, first)
        with reading("the FIND_FIRST2 answer"):
            search, count, end = struct.unpack_from("<HHH", parameters)
        # Samba's last entry points past the end: the count is what tells.
        charset = "utf-16le" if self._unicode else self._oem
        found = names(listing, BOTH_DIRECTORY, count, charset)
        while not end:
            # Close at the end of the search, and go on where the last answer ended.
            onward = _NEXT.pack(search, 512, _BOTH_DIRECTORY_INFO, 0, 0xA)
            onward += self._string(found[-1] if found else "")
            parameters, listing = self._transaction2(tree, _FIND_NEXT2, onward)
            with reading("the FIND_NEXT2 answer"):
                count, end = struct.unpack_from("<HH", parameters)
            found += names(listing, BOTH_DIRECTORY, count, charset)
        return found

    def create(self, tree: int, name: str) -> Opened:
        """NT_CREATE_ANDX of a new file."""
        return self._create(tree, f"\\{name}", _READ_WRITE_DELETE, disposition=2, options=0x40)

    def open_file(self, tree: int, name: str) -> Opened:
        """NT_CREATE_ANDX of a file that is there."""
        return self._create(tree, f"\\{name}", _READ_WRITE_DELETE, disposition=1, options=0x40)

    def create_cached(self, tree: int, name: str) -> tuple[Opened, str]:
        """As ``create``: no oplock is asked for over SMB1."""
        return self.create(tree, name), ""

    def open_beside(self, other: object, held: Opened, tree: int, name: str) -> tuple[Opened, bool]:  # noqa: ARG002
        """As ``open_file``."""
        return self.open_file(tree, name), False

    def lock(self, file: Opened, length: int) -> None:
        """LOCKING_ANDX without waiting: [MS-CIFS] 2.2.4.32."""
        self._locking(file, length, 0, 1)

    def unlock(self, file: Opened, length: int) -> None:
        """LOCKING_ANDX that unlocks."""
        self._locking(file, length, 1, 0)

    def rename(self, tree: int, name: str, new: str) -> None:
        """SMB_COM_RENAME: [MS-CIFS] 2.2.4.8."""
        # The second text begins at an even place: 35 bytes come before the format byte of the first.
        old = b"\x04" + self._string(f"\\{name}") + b"\x04"
        data = old + self._even(35 + len(old)) + self._string(f"\\{new}")
        self._ask(smb.SMB.SMB_COM_RENAME, b"\x06\0", data, tree)

    @property
    def write_size(self) -> int:
        """60 KiB with CAP_LARGE_WRITEX, else what fits into a message: [MS-SMB] 2.2.4.5.2.1."""
        return _LARGE if self._chosen.capabilities & _CAP_LARGE_WRITEX else self._chosen.max_buffer - 128

    @property
    def read_size(self) -> int:
        """60 KiB with CAP_LARGE_READX, else what fits into a message."""
        return _LARGE if self._chosen.capabilities & _CAP_LARGE_READX else self._chosen.max_buffer - 128

    def write(self, file: Opened, data: bytes, offset: int = 0) -> None:
        """WRITE_ANDX."""
        words = smb.SMBWriteAndX_Parameters()
        words["Offset"] = offset
        words["Fid"] = struct.unpack("<H", file.handle)[0]
        words["DataLength"] = len(data)
        words["DataOffset"] = 64
        self._ask(smb.SMB.SMB_COM_WRITE_ANDX, words.getData(), b"\0" + data, file.tree)

    def read(self, file: Opened, length: int, offset: int = 0) -> bytes:
        """READ_ANDX."""
        what = "the READ answer"
        words = smb.SMBReadAndX_Parameters()
        words["Fid"] = struct.unpack("<H", file.handle)[0]
        words["Offset"] = offset
        words["MaxCount"] = words["MinCount"] = words["Remaining"] = length
        reply = self._ask(
            smb.SMB.SMB_COM_READ_ANDX, words.getData(), b"", file.tree, also=(status.BUFFER_OVERFLOW,)
        )
        return cut(reply.message, reply.number(12, what), reply.number(10, what), what)

    def delete(self, file: Opened, name: str) -> None:
        """CLOSE, then DELETE by name."""
        self.close(file)
        self._ask(smb.SMB.SMB_COM_DELETE, b"\x06\0", b"\x04" + self._string(f"\\{name}"), file.tree)

    def log_off(self) -> None:
        """LOGOFF_ANDX."""
        self._ask(smb.SMB.SMB_COM_LOGOFF_ANDX, smb.SMBLogOffAndX().getData(), b"")

    def _log_on_extended(self, logon: AnyLogon) -> bytes:
        what = "the SESSION_SETUP answer"
        final = self._session_setup_extended(logon.first())
        if not isinstance(logon, KerberosLogon):
            if final.status != status.MORE_PROCESSING_REQUIRED:
                raise Refused(status.name(final.status), detail="instead of an NTLM challenge")
            blob = cut(final.data, 0, final.number(6, what), what)
            final = self._session_setup_extended(logon.second(blob))
        if final.status != status.SUCCESS:
            raise Refused(status.name(final.status))
        if isinstance(logon, KerberosLogon):
            logon.accepted(cut(final.data, 0, final.number(6, what), what))
        self.guest = bool(final.number(4, what) & _ACTION_GUEST)
        # Signatures of SMB1 take the first 16 bytes of the key ([MS-SMB] 3.1.5.1).
        return logon.session_key[:16]

    def _session_setup_extended(self, token: bytes) -> Reply:
        manner = self._manner.smb1
        words = smb.SMBSessionSetupAndX_Extended_Parameters()
        words["MaxBufferSize"] = _BUFFER
        words["MaxMpxCount"] = manner.max_mpx
        words["VcNumber"] = 1
        words["SessionKey"] = self._chosen.session_key
        words["SecurityBlobLength"] = len(token)
        words["Capabilities"] = manner.capabilities
        # 59 bytes come before the token; the strings after it begin at an even place.
        data = token + self._even(59 + len(token))
        data += self._string(manner.native_os) + self._string(manner.native_lanman)
        reply = self._exchange(smb.SMB.SMB_COM_SESSION_SETUP_ANDX, words.getData(), data, 0)
        with reading("the SESSION_SETUP answer"):
            (self._uid,) = struct.unpack_from("<H", reply.message, 28)
        return reply

    def _log_on_bare(self, account: Account, ntlm: NtlmManner) -> bytes:
        if not self._chosen.security_mode & _SECURITY_ENCRYPTED_PASSWORDS:
            raise Refused("STATUS_LOGON_FAILURE", Side.CLIENT, "the server wants the password in plain text")
        manner = self._manner.smb1
        self._flags2 &= ~_FLAGS2_EXTENDED_SECURITY
        answer = bare_logon(ntlm.level, account, self._chosen.challenge)
        words = smb.SMBSessionSetupAndX_Parameters()
        words["MaxBuffer"] = _BUFFER
        words["MaxMpxCount"] = manner.max_mpx
        words["VCNumber"] = 1
        words["SessionKey"] = self._chosen.session_key
        words["AnsiPwdLength"] = len(answer.lm)
        words["UnicodePwdLength"] = len(answer.nt)
        words["Capabilities"] = manner.capabilities & ~_CAP_EXTENDED_SECURITY
        secrets = answer.lm + answer.nt
        # 61 bytes come before the responses.
        data = secrets + self._even(61 + len(secrets))
        texts = (account.user, account.domain, manner.native_os, manner.native_lanman)
        data += b"".join(self._string(text) for text in texts)
        reply = self._ask(smb.SMB.SMB_COM_SESSION_SETUP_ANDX, words.getData(), data)
        what = "the SESSION_SETUP answer"
        with reading(what):
            (self._uid,) = struct.unpack_from("<H", reply.message, 28)
        self.guest = bool(reply.number(4, what) & _ACTION_GUEST)
        # [MS-CIFS] 3.1.4.1: without extended security the response is part of the signing key.
        return answer.session_key + answer.nt

    def _will_sign(self) -> bool:
        wish = self._manner.signing
        if wish is Signing.NEVER or not self.can_sign:
            return False
        offered = wish is Signing.IF_OFFERED and self._chosen.signing_offered
        return wish is Signing.ALWAYS or self._chosen.signing_required or offered

    def _locking(self, file: Opened, length: int, unlocks: int, locks: int) -> None:
        words = struct.pack("<BBH2sBBLHH", 0xFF, 0, 0, file.handle, 0, 0, 0, unlocks, locks)
        data = struct.pack("<HLL", self._chosen.hello.process & 0xFFFF, 0, length)
        self._ask(smb.SMB.SMB_COM_LOCKING_ANDX, words, data, file.tree)

    def _create(self, tree: int, name: str, access: int, disposition: int, options: int) -> Opened:
        words = smb.SMBNtCreateAndX_Parameters()
        # The name's end is not counted; the whole name begins at an even place.
        text = self._string(name)
        words["FileNameLength"] = len(text) - (2 if self._unicode else 1)
        words["CreateFlags"] = 0
        words["AccessMask"] = access
        words["ShareAccess"] = 7
        words["Disposition"] = disposition
        words["CreateOptions"] = options
        reply = self._ask(smb.SMB.SMB_COM_NT_CREATE_ANDX, words.getData(), self._even(1) + text, tree)
        return Opened(tree, cut(reply.words, 5, 2, "the NT_CREATE answer"))

    def close(self, file: Opened) -> None:
        """SMB_COM_CLOSE."""
        words = smb.SMBClose_Parameters()
        words["FID"] = struct.unpack("<H", file.handle)[0]
        self._ask(smb.SMB.SMB_COM_CLOSE, words.getData(), b"", file.tree)
