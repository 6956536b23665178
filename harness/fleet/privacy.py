"""Addresses and names as keyed hashes: the same machine stays the same one, and nobody reads which it is.

HMAC-SHA256 (RFC 2104) with a key of 32 random bytes that stays beside the store, in a file that its owner
alone reads. Whoever has both can try all addresses; whoever has the store alone cannot.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
import secrets
from pathlib import Path
from typing import Final

from harness.errors import UsageError
from harness.fleet.kinds import meant
from harness.fleet.merging import canonical
from harness.fleet.records import Record
from harness.system import files

_DIGITS: Final = 16
"""Hexadecimal digits that are kept of a hash: two of a million machines have the same with a probability of
one in 37 million."""
_KEY_BYTES: Final = 32
_HASHED: Final = re.compile(r"(ipv4|ipv6|name)-[0-9a-f]{16}(\.[0-9a-f]{16})?")
_TOKEN: Final = re.compile(r"[\w.]+|/")
_DIALECT: Final = re.compile(r"[A-Za-z]{1,8}[0-9_.x]{1,12}")
"""What an unknown dialect may look like; anything else may be somebody's name."""


class Hasher:
    """Makes records that name nobody."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hide(self, record: Record) -> None:
        """Change a record so that no address, no name and none of its words says whose machine it is."""
        name = record.name if not _HASHED.fullmatch(record.name) else ""
        record.address = self.address(record.address)
        if name:
            record.name = self.name(name)
        record.said = set(filter(None, map(plain_words, record.said)))
        record.unknown_dialects = {
            word if _DIALECT.fullmatch(word) else "unknown" for word in record.unknown_dialects
        }
        if record.line:
            # Which list it is was a hash already; what the line says may be anything.
            where, _, said = record.line.partition(":")
            record.line = f"{where}:{said}" if _is_hash(said) else f"{where}:{self._hash('line', said)}"

    def address(self, text: str) -> str:
        """An address; one that is hidden already stays."""
        if not text or _HASHED.fullmatch(text):
            return text
        try:
            version = ipaddress.ip_address(text).version
        except ValueError:
            return f"name-{self._hash('name', text.casefold())}"
        return f"ipv{version}-{self._hash('address', text)}"

    def name(self, text: str) -> str:
        """A name: its first part and the rest apart, so that PC-12 stays the PC-12 of its domain."""
        plain = canonical(text)
        if not plain:
            # An address in the place of a name, or what names nobody.
            return self.address(text.strip("[]")) if any(char.isdigit() for char in text) else ""
        short, dot, rest = plain.partition(".")
        domain = f".{self._hash('domain', rest)}" if dot else ""
        return f"name-{self._hash('name', short)}{domain}"

    def _hash(self, what: str, text: str) -> str:
        return hmac.digest(self._key, f"{what}\0{text}".encode("utf-8", "replace"), "sha256").hex()[:_DIGITS]


def plain_words(said: str) -> str:
    """Of what a source says of a make the words that are known (words.toml), and numbers; "" for none.

    What stands between them may be anybody's name. The words that are left mean the same.
    """
    for text, pattern, entry in meant([said]):
        known = {*_TOKEN.findall(pattern.replace("\\b", " ").replace("\\", "").casefold()), "/"}
        tokens = (word for word in _TOKEN.findall(text.casefold()) if word in known or word.isdecimal())
        left = " ".join(tokens)
        if any(found is entry for _, _, found in meant([left])):
            return left
    return ""


def _is_hash(text: str) -> bool:
    return bool(re.fullmatch(f"[0-9a-f]{{{_DIGITS}}}", text))


def hasher(file: Path, *, new: bool = True) -> Hasher:
    """With the key of a file, which is made where it is not there.

    ``new``: it may be made; another key than the one before would make new machines of all. Raises UsageError
    where it cannot be had, or where somebody else may read it: what it hides is not hidden.
    """
    if not new and not file.exists():
        raise UsageError(
            f"{file}: the key of this fleet is gone, so that no machine of it can be told again",
            "put it back, or begin another fleet with --fleet NAME",
        )
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        key = files.read(file, most=_KEY_BYTES)
        if len(key) != _KEY_BYTES:
            raise UsageError(f"{file}: is no key: it has not {_KEY_BYTES} bytes") from None
        if file.stat().st_mode & 0o077:
            raise UsageError(f"{file}: others may read this key", f"chmod 600 {file}") from None
        return Hasher(key)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    key = secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(made, "wb") as out:
        out.write(key)
        out.flush()
        os.fsync(out.fileno())
    return Hasher(key)
