"""What a person does, and the protocol steps that it takes, by name. No I/O happens here.

A new check is a row of ``Check``, a file in ``harness/smb/checks`` (how an emulated client does it), a
sentence in each language of ``harness/report/languages``, and what a real client does for it, in its file.
"""

from __future__ import annotations

from enum import StrEnum


class Check(StrEnum):
    """What a person does. The value is its name everywhere."""

    does: str
    """In one line, for people."""
    times: float
    """How many times as long as an ordinary attempt it may take."""
    everyday: bool
    """``*`` in the check part of a selector means those; the others are asked for by name."""

    def __new__(cls, value: str, does: str = "", everyday: bool = False, times: float = 1.0) -> Check:
        """One row: the name, what is done, whether ``*`` selects it, and how much more time it has."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.does = does
        made.everyday, made.times = everyday, times
        return made

    BROWSE = "browse", "open \\\\server and see its shares (srvsvc over IPC$, as Explorer does)", True
    OPEN = "open", "open \\\\server\\share by its path and list it", True
    WRITE = "write", "write a file into the share, read it back, delete it", True
    BROWSE_CONNECTED = (
        "browse-connected",
        "see the shares over a connection that was open before the change",
        True,
    )
    RENAME = "rename", "write a file, rename it within the share, read it under its new name, delete it"
    PERMISSIONS = (
        "permissions",
        "see who owns the share's folder, as on the Security tab: its descriptor, the owner's name by lsarpc",
    )

    LOCK = (
        "lock",
        "two people, one document: while the first one locks it the second is kept out, and gets in after it",
    )
    DISCOVER = (
        "discover",
        "look for servers in Network (NetBIOS browsing, WS-Discovery, mDNS) and find this one",
    )

    PRINT = "print", "connect to a printer of the server, and send it a job"
    CONNECTED = (
        "connected",
        "stay connected, with a file open that is written to, while the change is made and rolled back",
    )
    OPEN_BY_NAME = "open-by-name", "in a domain: open a share of \\\\server by the server's own DNS name"
    OPEN_BY_ADDRESS = (
        "open-by-address",
        "in a domain: open a share by the server's IP address, for which nobody gets a Kerberos ticket",
    )
    OPEN_BY_ALIAS = (
        "open-by-alias",
        "in a domain: open a share by a DNS alias of the server that has no service principal (SPN)",
    )
    OPEN_BY_SPN_ALIAS = (
        "open-by-spn-alias",
        "in a domain: open a share by a DNS alias of the server that has a service principal (SPN)",
    )

    LARGE = "large", "copy a file of 64 MiB to the share and back, and tell how fast that was", False, 12.0


OVER_PHASES = (Check.BROWSE_CONNECTED, Check.CONNECTED)
"""The checks of somebody who has something open from before the change until after the rollback."""
EVERYDAY = tuple(check for check in Check if check.everyday)

BY_NAMES = frozenset(
    {Check.OPEN_BY_NAME, Check.OPEN_BY_ADDRESS, Check.OPEN_BY_ALIAS, Check.OPEN_BY_SPN_ALIAS}
)
"""``open``, by what the client calls the server: Kerberos asks for a ticket to that name."""


FROM_NOW_ON = {Check.BROWSE_CONNECTED: Check.BROWSE, Check.CONNECTED: Check.WRITE}
"""What they come to for somebody who connects only now."""

NOT_KEPT_OUT = "NOT_KEPT_OUT"
"""What the step ``lock-conflict`` records where the server lets a second one at what a first one locked."""


DATA_LOST = "DATA_LOST"
"""What the step ``read`` of ``connected`` records where the file lacks what the server had acknowledged."""


class StepName(StrEnum):
    """One protocol step of an attempt, in the order in which they happen."""

    CONNECT = "connect"
    QUIC_CONNECT = "quic-connect"
    TLS = "tls"
    NEGOTIATE = "negotiate"
    KERBEROS_AS = "kerberos-as"
    KERBEROS_TGS = "kerberos-tgs"
    SESSION_SETUP = "session-setup"
    TREE_CONNECT_IPC = "tree-connect-ipc"
    CREATE_PIPE = "create-pipe"
    ENUMERATE_SHARES = "enumerate-shares"
    DFS_REFERRAL = "dfs-referral"
    TREE_CONNECT = "tree-connect"
    LIST = "list"
    QUERY_SECURITY = "query-security"
    LOOKUP_SIDS = "lookup-sids"
    CREATE = "create"
    WRITE = "write"
    RENAME = "rename"
    LOCK = "lock"
    OPLOCK_BREAK = "oplock-break"
    LOCK_CONFLICT = "lock-conflict"
    UNLOCK = "unlock"
    READ = "read"
    PRINT = "print"
    DELETE = "delete"
    DISCOVER = "discover"
    LOGOFF = "logoff"


_NAMELESS = frozenset({StepName.TREE_CONNECT_IPC, StepName.CREATE_PIPE, StepName.LOOKUP_SIDS})


def seen_instead(check: Check, step: str) -> str:
    """What people see when a check stops at a step that costs it a part alone; "" where it ends there."""
    if check is Check.PERMISSIONS and step in _NAMELESS:
        return "a number that begins S-1- in the place of the owner's name (inferred)"
    return ""
