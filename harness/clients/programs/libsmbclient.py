"""Runs in the image ``clients``: one check through python3-smbc, which wraps libsmbclient.

Reads its order as JSON from stdin and prints one line of JSON: {"shown": [...]} or {"step", "error"}.
"""

import errno
import json
import os
import sys
from typing import Any

import smbc

# libsmbclient tells of an NTSTATUS only by what it maps it to (source3/libsmb/errormap.c).
STATUS = {errno.EACCES: "[NT_STATUS_ACCESS_DENIED]", errno.ENOENT: "[NT_STATUS_OBJECT_NAME_NOT_FOUND]"}

order = json.load(sys.stdin)
base = f"smb://{order['address']}:{order['port']}/"
step = "connect"


def log_on(_server: str, _share: str, workgroup: str, _user: str, _password: str) -> tuple[str, str, str]:
    return order["workgroup"] or workgroup, order["user"], order["password"]


def browse(context: Any) -> list[str]:
    return [entry.name for entry in context.opendir(base).getdents()]


def look(context: Any) -> list[str]:
    return [entry.name for entry in context.opendir(base + order["share"]).getdents()]


def write(context: Any, renamed: str = "") -> list[str]:
    global step
    share = base + order["share"]
    path = f"{share}/{order['name']}"
    file = context.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    step = "write"
    file.write(order["content"].encode())
    file.close()
    if renamed:
        step = "rename"
        context.rename(path, f"{share}/{renamed}")
        path = f"{share}/{renamed}"
    step = "read"
    file = context.open(path, os.O_RDONLY)
    content = file.read(1 << 20)
    file.close()
    step = "delete"
    context.unlink(path)
    return [content.decode()]


def rename(context: Any) -> list[str]:
    return write(context, order["renamed"])


try:
    # Without "proto" the library keeps its own minimum and maximum.
    limits = {"proto": order["proto"]} if order["proto"] else {}
    context = smbc.Context(auth_fn=log_on, **limits)
    # A lab has no KDC; the library would ask the DNS for one.
    context.optionUseKerberos = False
    # Else an account that is refused comes again as nobody, and the user is not told. GNOME sets it as well.
    context.optionNoAutoAnonymousLogin = True
    step = "create-pipe" if order["check"] == "browse" else "tree-connect"
    does = {"browse": browse, "open": look, "write": write, "rename": rename}
    shown = does[order["check"]](context)
    answer: dict[str, Any] = {"shown": shown}
except Exception as error:
    number = error.args[0] if error.args else 0
    text = f"{type(error).__name__}: {error} {STATUS.get(number, '')}".strip()
    answer = {"step": step, "error": text}
sys.stdout.write(json.dumps(answer) + "\n")
