"""ksmbd.conf(5) from the words of smb.conf(5): what the kernel's server knows too, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping

from harness.servers.base import Conf
from harness.servers.parameters import SYNONYMS

GLOBAL = frozenset(
    {
        "bind interfaces only",
        "guest account",
        "interfaces",
        "map to guest",
        "restrict anonymous",
        "server max protocol",
        "server min protocol",
        "server signing",
        "smb3 encryption",
        "tcp port",
        "workgroup",
    }
)
"""Parameters of [global] that the lab or a mitigation may use: ksmbd.conf(5), ksmbd-tools 3.5."""
SHARE = frozenset({"force user", "guest ok", "path", "read only", "valid users"})
"""Parameters of a share, likewise."""
_OTHER_WORDS: Mapping[tuple[str, str], tuple[str, str]] = {
    # smb.conf(5) -> ksmbd.conf(5), smb3 encryption
    ("smb encrypt", "required"): ("smb3 encryption", "mandatory"),
    ("smb encrypt", "desired"): ("smb3 encryption", "auto"),
    ("smb encrypt", "off"): ("smb3 encryption", "disabled"),
}
_PROTOCOLS = frozenset({"SMB2_10", "SMB3_00", "SMB3_02", "SMB3_11"})
"""ksmbd.conf(5), server min protocol; SMB1 and 2.0.2 are not among them."""


def translated(conf: Conf) -> Conf:
    """The same settings in the words of ksmbd.conf(5). Raises ValueError that names the first it has not."""
    named = ((SYNONYMS.get(name, name), value) for name, value in conf.globals.items())
    settings = dict(_OTHER_WORDS.get(pair, pair) for pair in named)
    for name, value in settings.items():
        if name not in GLOBAL:
            raise ValueError(f"ksmbd has no parameter {name!r} (ksmbd.conf(5))")
        if name.endswith(" protocol") and value not in _PROTOCOLS:
            raise ValueError(f"ksmbd knows no {name} = {value} (ksmbd.conf(5)): it speaks SMB 2.1 and newer")
    share = {SYNONYMS.get(name, name): value for name, value in conf.share.items()}
    for name in share:
        if name not in SHARE:
            raise ValueError(f"ksmbd has no parameter {name!r} of a share (ksmbd.conf(5))")
    return Conf(settings, share)
