"""One resident process that runs libsmb2 through ctypes: a JSON object a line in, one a line out.

in:  {"id", "check": "browse|open|write|rename", "port", "share", "user", "password", "file", "renamed",
"text", "version", "sign", "seal"}; all values are strings. out: {"id", "ok", "said"}; it ends when its
standard input does, whatever it is doing. Runs in an image, with nothing but Python's own library.
"""

import ctypes
import errno
import json
import os
import select
import sys
import threading
from pathlib import Path
from typing import Any

# smb2/libsmb2.h and fcntl.h
SEC_NTLMSSP = 1
SHARE_INFO_1 = 1
SIGNING_REQUIRED = 2
CREATE = os.O_WRONLY | os.O_CREAT
# struct srvsvc_NetrShareEnum_rep of libsmb2 6.2 on 64 bits: status, level, level, then the entries.
ENTRIES_AT = 24
# Where it leaves no text it tells the errno that it maps the status to (lib/errors.c, nterror_to_errno).
ERRORS = {-errno.EACCES: "STATUS_ACCESS_DENIED", -errno.ENOENT: "STATUS_OBJECT_NAME_NOT_FOUND"}

lib = ctypes.CDLL("libsmb2.so.6")
for name in ("smb2_init_context", "smb2_opendir", "smb2_readdir", "smb2_open"):
    getattr(lib, name).restype = ctypes.c_void_p
lib.smb2_get_error.restype = ctypes.c_char_p
CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class Failed(Exception):
    """libsmb2 reported an error."""


class Session:
    """One context of libsmb2."""

    def __init__(self, request: dict[str, str]) -> None:
        self.context = ctypes.c_void_p(lib.smb2_init_context())
        lib.smb2_set_authentication(self.context, SEC_NTLMSSP)
        lib.smb2_set_version(self.context, int(request["version"], 16))
        if request["sign"] == "1":
            lib.smb2_set_security_mode(self.context, ctypes.c_uint16(SIGNING_REQUIRED))
            lib.smb2_set_sign(self.context, 1)
        if request["seal"] == "1":
            lib.smb2_set_seal(self.context, 1)
        if request["domain"]:
            lib.smb2_set_domain(self.context, request["domain"].encode())
        lib.smb2_set_user(self.context, request["user"].encode())
        lib.smb2_set_password(self.context, request["password"].encode())

    def check(self, what: str, result: int | None) -> int:
        """Raise Failed for what libsmb2 means as a failure: NULL, or less than nothing."""
        if result is None or result < 0:
            said = (lib.smb2_get_error(self.context) or b"").decode("utf-8", "replace")
            raise Failed(f"{what}: {said or ERRORS.get(result or 0, result)}")
        return result

    def connect(self, request: dict[str, str], share: str) -> None:
        server = f"127.0.0.1:{request['port']}".encode()
        user = request["user"].encode()
        self.check("connect", lib.smb2_connect_share(self.context, server, share.encode(), user))

    def shares(self) -> str:
        """How many shares the server lists."""
        done: list[tuple[int, int]] = []

        def called(_context: Any, status: int, data: int | None, _: Any) -> None:
            entries = ctypes.c_uint32.from_address(data + ENTRIES_AT).value if status == 0 and data else 0
            done.append((status, entries))

        callback = CALLBACK(called)
        self.check("share list", lib.smb2_share_enum_async(self.context, SHARE_INFO_1, callback, None))
        while not done:
            wanted = lib.smb2_which_events(self.context)
            poll = select.poll()
            poll.register(lib.smb2_get_fd(self.context), wanted)
            for _, events in poll.poll():
                self.check("share list", lib.smb2_service(self.context, events))
        status, entries = done[0]
        self.check("share list", status)
        return f"{entries} shares"

    def names(self) -> str:
        folder = ctypes.c_void_p(self.check("opendir", lib.smb2_opendir(self.context, b"")))
        names = []
        while entry := lib.smb2_readdir(self.context, folder):
            names.append(ctypes.cast(entry, ctypes.POINTER(ctypes.c_char_p))[0].decode("utf-8", "replace"))
        lib.smb2_closedir(self.context, folder)
        return "\n".join(names)

    def write(self, file: bytes, text: bytes, renamed: bytes = b"") -> str:
        """Write a file, rename it if told to, read it back, delete it. Answers with what was read."""
        handle = ctypes.c_void_p(self.check("create", lib.smb2_open(self.context, file, CREATE)))
        self.check("write", lib.smb2_write(self.context, handle, text, len(text)))
        self.check("close", lib.smb2_close(self.context, handle))
        if renamed:
            self.check("rename", lib.smb2_rename(self.context, file, renamed))
            file = renamed
        handle = ctypes.c_void_p(self.check("open", lib.smb2_open(self.context, file, os.O_RDONLY)))
        buffer = ctypes.create_string_buffer(4096)
        size = self.check("read", lib.smb2_read(self.context, handle, buffer, len(buffer)))
        self.check("close", lib.smb2_close(self.context, handle))
        self.check("delete", lib.smb2_unlink(self.context, file))
        return buffer.raw[:size].decode("utf-8", "replace")

    def perform(self, request: dict[str, str]) -> str:
        check = request["check"]
        self.connect(request, "IPC$" if check == "browse" else request["share"])
        if check == "browse":
            said = self.shares()
        elif check == "open":
            said = self.names()
        else:
            renamed = request["renamed"].encode() if check == "rename" else b""
            said = self.write(request["file"].encode(), request["text"].encode(), renamed)
        lib.smb2_disconnect_share(self.context)
        return said

    def close(self) -> None:
        lib.smb2_destroy_context(self.context)


def say(number: str, ok: bool, said: str) -> None:
    sys.stdout.write(json.dumps({"id": number, "ok": ok, "said": said}) + "\n")
    sys.stdout.flush()


def answer(request: dict[str, str]) -> None:
    session = Session(request)
    try:
        ok, said = True, session.perform(request)
    except Failed as failure:
        ok, said = False, str(failure)
    session.close()
    say(request["id"], ok, said)


def main() -> None:
    # The library of this release does not tell its version; the image lists its packages.
    versions = dict(line.split(" ", 1) for line in Path("/packages.txt").read_text().splitlines())
    say("0", True, f"libsmb2 {versions['libsmb2-6']}")
    for line in sys.stdin:
        threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
    os._exit(0)


main()
