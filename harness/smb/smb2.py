"""An SMB2 or SMB3 connection after NEGOTIATE: [MS-SMB2] section 2.2 and 3.2."""

from __future__ import annotations

import hashlib
import struct

from harness.errors import Refused
from harness.model import Dialect
from harness.smb import bodies, security, status
from harness.smb.headers import Command
from harness.smb.kerberos.logon import KerberosLogon
from harness.smb.listing import ID_BOTH_DIRECTORY, names
from harness.smb.offer import SIGNING_ENABLED, SIGNING_REQUIRED
from harness.smb.parsing import reading
from harness.smb.seal import Sealer, Signer
from harness.smb.session import MOST, AnyLogon, Encryption, GuestSigning, Opened, Signing
from harness.smb.smb2_exchange import HEADER, Reply
from harness.smb.smb2_sharing import READ_WRITE_DELETE, Smb2Sharing

_SESSION_GUEST = 0x1
_SESSION_NULL = 0x2
_SESSION_ENCRYPT = 0x4
# [MS-SMB2] 2.2.10: the first is a ShareFlag, the second one of the share's Capabilities.
_SHARE_ENCRYPT = 0x8000
_SHARE_DFS = 0x8
_FSCTL_PIPE_TRANSCEIVE = 0x0011C017
_FSCTL_DFS_GET_REFERRALS = 0x00060194
_CAP_DFS = 0x1
_CAP_LARGE_MTU = 0x4
_PER_CREDIT = 65536
# What an FSCTL that is about no open file has in the file's place: [MS-SMB2] 2.2.31.
_NO_FILE = b"\xff" * 16
_PIPE_ACCESS = 0x0012019F
_LIST_ACCESS = 0x00100081
_ADD_FILE = 0x2
# DELETE, SYNCHRONIZE and FILE_READ_ATTRIBUTES: [MS-SMB2] 2.2.13.1.1.
_MAY_RENAME = 0x00110080
_RENAME_INFORMATION = 10
_DISPOSITION_INFORMATION = 13
_ID_BOTH_DIRECTORY_INFORMATION = 37
_PIPE_ANSWER = 4280
"""Bytes of a fragment on a pipe that are taken at once, as Windows does."""


class Smb2(Smb2Sharing):
    """One connection and its one session; implements ``harness.smb.session.Session``."""

    @property
    def encrypted(self) -> bool:
        """The session is encrypted, or what is sent to one of its shares."""
        return self._encrypts or bool(self._encrypted_trees)

    @property
    def signed(self) -> bool:
        """Requests carry signatures of their own; encrypted ones need none: [MS-SMB2] 3.2.4.1.1."""
        return self._signs and not self.encrypted

    @property
    def cipher(self) -> str | None:
        """The cipher in use, or None while nothing is encrypted."""
        return self._chosen.cipher.title if self.encrypted and self._chosen.cipher else None

    @property
    def signing_required(self) -> bool:
        """The server accepts signed requests only (sessions of guests apart)."""
        return self._chosen.signing_required

    @property
    def can_sign(self) -> bool:
        """Guest and anonymous sessions have no key: [MS-SMB2] 3.2.5.3.1."""
        return self._signer is not None

    takes_tickets = True

    def log_on(self, logon: AnyLogon) -> None:
        """SESSION_SETUP in two rounds, or in one with a ticket."""
        final = self._session_setup(logon.first())
        if not isinstance(logon, KerberosLogon):
            if final.status != status.MORE_PROCESSING_REQUIRED:
                raise Refused(status.name(final.status), detail="instead of an NTLM challenge")
            final = self._session_setup(logon.second(final.buffer("<HH", 4, "the SESSION_SETUP answer")))
        if final.status != status.SUCCESS:
            raise Refused(status.name(final.status))
        if isinstance(logon, KerberosLogon):
            logon.accepted(final.buffer("<HH", 4, "the SESSION_SETUP answer"))
        with reading("the SESSION_SETUP answer"):
            (flags,) = struct.unpack_from("<H", final.message, HEADER + 2)
        self.guest = bool(flags & _SESSION_GUEST)
        if self.guest and self._chosen.signing_required:
            self._guest_signing = self._manner.guest_signing
        keeps_key = self._manner.signs_guests or self._guest_signing is GuestSigning.OWN_KEY
        keyless = self.guest and not keeps_key
        if keyless or flags & _SESSION_NULL or logon.auth == "anonymous":
            return
        self._signer = Signer(logon.session_key, self._chosen, self._preauth)
        # [MS-SMB2] 3.2.5.3.1: over 3.1.1 this answer is signed, or the client gives up; a server signs it
        # unless it made a guest (3.3.5.5.3).
        self._check_signature(final.message, needed=self.dialect is Dialect.SMB3_11 and not self.guest)
        if self._chosen.cipher and not self.guest:
            self._sealer = Sealer(logon.session_key, self._chosen, self._chosen.cipher, self._preauth)
        self._signs = self._will_sign()
        self._encrypts = self._will_encrypt(bool(flags & _SESSION_ENCRYPT))

    def tree_connect(self, path: str) -> int:
        """TREE_CONNECT, and what the answer asks for: [MS-SMB2] 3.2.5.5.

        A share may be encrypted though the session is not, and names in a DFS share begin with the server.
        Whether a share is continuously available and what access it grants at most changes nothing here.
        """
        # [MS-SMB2] 3.2.4.1.1: over 3.1.1 every client signs this request.
        sign = self.dialect is Dialect.SMB3_11 and self._manner.signs_tree_connect
        try:
            reply = self._ask(Command.TREE_CONNECT, bodies.tree_connect(path), sign=sign)
        except Refused as refusal:
            had_to = self.dialect is Dialect.SMB3_11 and self.can_sign and not (self.guest or self.encrypted)
            if had_to and not (sign or self.signed) and refusal.status == "STATUS_ACCESS_DENIED":
                refusal.detail = status.UNSIGNED
            raise
        with reading("the TREE_CONNECT answer"):
            (tree,) = struct.unpack_from("<L", reply.message, 36)
            flags, capabilities = struct.unpack_from("<LL", reply.message, HEADER + 4)
        if self._will_encrypt(bool(flags & _SHARE_ENCRYPT)):
            self._encrypted_trees.add(tree)
        if capabilities & _SHARE_DFS and self._chosen.hello.capabilities & _CAP_DFS:
            self._dfs_trees[tree] = path.lstrip("\\")
        return int(tree)

    def open_pipe(self, tree: int, name: str) -> Opened:
        """CREATE on IPC$."""
        return self._create(tree, name, _PIPE_ACCESS, disposition=1, options=0x40)

    def transceive(self, pipe: Opened, data: bytes) -> bytes:
        """FSCTL_PIPE_TRANSCEIVE."""
        return self._ioctl(pipe.tree, _FSCTL_PIPE_TRANSCEIVE, pipe.handle, data)

    @property
    def has_dfs(self) -> bool:
        """The server says that it knows about DFS: [MS-SMB2] 2.2.4."""
        return bool(self._chosen.capabilities & _CAP_DFS)

    def ask_referral(self, tree: int, path: str) -> None:
        """FSCTL_DFS_GET_REFERRALS on IPC$ for ``\\server\\share``: [MS-DFSC] 2.2.2."""
        # The highest referral level that a client understands, then the path with one leading backslash.
        self._ioctl(tree, _FSCTL_DFS_GET_REFERRALS, _NO_FILE, b"\4\0" + path.encode("utf-16le") + b"\0\0")

    def read_pipe(self, pipe: Opened) -> bytes:
        """READ on a pipe."""
        return self.read(pipe, _PIPE_ANSWER)

    def list_root(self, tree: int) -> list[str]:
        """CREATE the root directory, QUERY_DIRECTORY until there is no more, CLOSE."""
        root = self._create(tree, "", _LIST_ACCESS, disposition=1, options=0x1)
        found: list[str] = []
        while True:
            body = bodies.query_directory(
                root.handle, _ID_BOTH_DIRECTORY_INFORMATION, self._chosen.max_transact
            )
            reply = self._ask(Command.QUERY_DIRECTORY, body, tree, also=(status.NO_MORE_FILES,))
            if reply.status == status.NO_MORE_FILES:
                break
            found += names(reply.buffer("<HL", 2, "the QUERY_DIRECTORY answer"), ID_BOTH_DIRECTORY)
        self.close(root)
        return found

    def root_security(self, tree: int) -> bytes:
        """CREATE the root to read its descriptor, QUERY_INFO, CLOSE."""
        root = self._create(tree, "", security.READ_CONTROL, disposition=1, options=0x1)
        body = bodies.query_security(root.handle, security.OWNER_GROUP_DACL, 0xFFFF)
        reply = self._ask(Command.QUERY_INFO, body, tree)
        self.close(root)
        return reply.buffer("<HL", 2, "the QUERY_INFO answer")

    def may_add(self, tree: int) -> None:
        """Open the root with the right to add files to it, and close it: nothing is written."""
        self.close(self._create(tree, "", _ADD_FILE, disposition=1, options=0x1))

    def create(self, tree: int, name: str) -> Opened:
        """CREATE a new file."""
        return self._create(tree, name, READ_WRITE_DELETE, disposition=2, options=0x40)

    def open_file(self, tree: int, name: str) -> Opened:
        """CREATE of a file that is there."""
        return self._create(tree, name, READ_WRITE_DELETE, disposition=1, options=0x40)

    def close(self, file: Opened) -> None:
        """CLOSE."""
        self._ask(Command.CLOSE, bodies.close(file.handle), file.tree)

    def rename(self, tree: int, name: str, new: str) -> None:
        """CREATE with the right to delete, SET_INFO FileRenameInformation, CLOSE: [MS-FSCC] 2.4.43.2."""
        file = self._create(tree, name, _MAY_RENAME, disposition=1, options=0x200000)
        path = new.encode("utf-16le")
        data = struct.pack("<B7xQL", 0, 0, len(path)) + path
        body = bodies.set_file_info(file.handle, _RENAME_INFORMATION, data)
        self._ask(Command.SET_INFO, body, tree)
        self.close(file)

    @property
    def write_size(self) -> int:
        """64 KiB before SMB 2.1 and without large MTU; else as many credits as there are: 3.2.4.1.5."""
        return self._most(self._chosen.max_write)

    @property
    def read_size(self) -> int:
        """As ``write_size``."""
        return self._most(self._chosen.max_read)

    def write(self, file: Opened, data: bytes, offset: int = 0) -> None:
        """WRITE."""
        body = bodies.write(file.handle, data, offset)
        self._ask(Command.WRITE, body, file.tree, charge=_charge(len(data)))

    def read(self, file: Opened, length: int, offset: int = 0) -> bytes:
        """READ."""
        body = bodies.read(file.handle, length, offset)
        also = (status.BUFFER_OVERFLOW,)
        reply = self._ask(Command.READ, body, file.tree, also=also, charge=_charge(length))
        return reply.buffer("<BxL", 2, "the READ answer")

    def delete(self, file: Opened, name: str) -> None:  # noqa: ARG002 (SMB1 needs the name)
        """SET_INFO FileDispositionInformation, then CLOSE."""
        body = bodies.set_file_info(file.handle, _DISPOSITION_INFORMATION, b"\1")
        self._ask(Command.SET_INFO, body, file.tree)
        self.close(file)

    def log_off(self) -> None:
        """LOGOFF."""
        self._ask(Command.LOGOFF, bodies.LOG_OFF)

    def _most(self, servers: int) -> int:
        large = self.dialect is not Dialect.SMB2_02 and self._chosen.capabilities & _CAP_LARGE_MTU
        return min(servers, MOST, _PER_CREDIT * max(1, self._credits if large else 1))

    def _ioctl(self, tree: int, code: int, file: bytes, data: bytes) -> bytes:
        body = bodies.ioctl(file, code, data, _PIPE_ANSWER)
        reply = self._ask(Command.IOCTL, body, tree, also=(status.BUFFER_OVERFLOW,))
        return reply.buffer("<LL", 32, "the IOCTL answer")

    def _session_setup(self, token: bytes) -> Reply:
        required = self._manner.signing is Signing.ALWAYS
        mode = SIGNING_REQUIRED if required else SIGNING_ENABLED
        request = self._message(Command.SESSION_SETUP, bodies.session_setup(mode, token), 0)
        reply = self._exchange(request)
        with reading("the SESSION_SETUP answer"):
            (self._session_id,) = struct.unpack_from("<Q", reply.message, 40)
        if self._preauth:
            self._preauth = hashlib.sha512(self._preauth + request).digest()
            if reply.status != status.SUCCESS:
                # The final answer is signed with a key made from this hash, so it cannot be in it.
                self._preauth = hashlib.sha512(self._preauth + reply.message).digest()
        return reply

    def _will_sign(self) -> bool:
        if self._manner.signing is Signing.NEVER:
            return False
        return self._manner.signing is Signing.ALWAYS or self._chosen.signing_required

    def _will_encrypt(self, asked: bool) -> bool:
        """Never without a key, as for guests: [MS-SMB2] 3.2.4.1.8."""
        wish = self._manner.encryption
        wanted = wish is Encryption.ALWAYS or (asked and wish is Encryption.IF_REQUIRED)
        return wanted and self._sealer is not None


def _charge(length: int) -> int:
    """The credits of a request with so many bytes of payload: [MS-SMB2] 3.1.5.2."""
    return 1 + max(0, length - 1) // _PER_CREDIT
