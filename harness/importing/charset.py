"""Which characters the bytes of a smb.conf(5) are: as the file itself says, or as they look.

Samba reads the file in its "unix charset" and says nothing of bytes that are none of it (4.13; 4.25 panics
where they are in a share's name: measured).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.system.charsets import codec

_SAID = re.compile(rb"^[ \t]*(unix|display|dos)[ \t]*charset[ \t]*=[ \t]*\"?([\w.:-]+)", re.I | re.M)
_ORDER = (b"unix", b"display", b"dos")
_LOOKS = ("euc_jp", "cp932", "cp1252")
_KANA = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_ALONE = re.compile("(?<![^\x00-\x7f])[\u00c0-\u00ff](?![^\x00-\x7f])")
_HALF_WIDE = re.compile("[\uff61-\uff9f]")


def charset(data: bytes) -> tuple[str, str]:
    """The codec of a file's bytes, and how that is known: "" for UTF-8, which ASCII is too."""
    if _reads(data, "utf-8"):
        return "utf-8", ""
    for word in _said(data):
        found = codec(word)
        if found not in ("", "utf-8") and _reads(data, found):
            return found, f"it names {word}"
    best = max((one for one in _LOOKS if _reads(data, one)), key=lambda one: _likely(data, one), default="")
    return best or "iso8859_1", "that is what its bytes look like"


def _said(data: bytes) -> Iterator[str]:
    found = {kind.lower(): word.decode("ascii", "replace") for kind, word in _SAID.findall(data)}
    return (found[kind] for kind in _ORDER if kind in found)


def _reads(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _likely(data: bytes, codec: str) -> int:
    """How many letters speak for a codec, less those that speak against it.

    Western letters stand alone among ASCII. In Shift_JIS, EUC looks like half-wide letters, and Western text
    like rare signs between ASCII letters.
    """
    text = data.decode(codec)
    others = sum(not letter.isascii() for letter in text)
    if codec == "cp1252":
        return 2 * len(_ALONE.findall(text)) - others
    return 2 * len(_KANA.findall(text)) - others - 2 * len(_HALF_WIDE.findall(text))
