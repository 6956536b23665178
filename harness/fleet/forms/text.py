"""Bytes as lines of text, whatever wrote them: UTF-8, UTF-16 as PowerShell writes it, code pages of old.

Nothing grows with the file, and no bytes raise: what cannot be decoded becomes U+FFFD, which is counted.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

from harness.fleet.reading import Tally

MOST_OF_A_LINE: Final = 256 * 1024
"""Characters. What is longer comes in pieces of that length: a JSON document may be one line."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before those of UTF-16, for FF FE begins both.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_LONGEST_WESTERN: Final = 2
"""Letters with marks in a row: "Größe" has two. Two bytes a sign make longer runs."""
_WESTERN: Final = frozenset({*range(0xC0, 0x100)} - {0xD7, 0xF7} | {*b"\x80\x85\x91\x92\x93\x94\x96\x97"})
"""Letters of cp1252, and signs that word processors put in."""
_EAST: Final = ("euc_jp", "cp932", "cp949")
_KANA: Final = re.compile("[\u3040-\u30ff]")
_HANGUL: Final = re.compile("[\uac00-\ud7a3]")
_UNLIKELY: Final = re.compile("[\ue000-\uf8ff\uff61-\uff9f\x80-\x9f]")
"""What a wrong guess makes: private signs, halves of kana, controls."""
_NULS: Final = "NULs: pieces of the file were never written, as after a log is cut while it is open"
_BROKEN: Final = "bytes that no encoding of this file knows"


def encoding_of(head: bytes) -> str:
    """The encoding that the first bytes show: "" where they are no text, "utf-8" unless something else."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    zeros = head.count(0)
    if zeros > len(head) * 0.3 and len(head) > 3:
        # ASCII letters in UTF-16 have a zero beside each.
        odd = head[1::2].count(0)
        for name, most, few in (("utf-16-le", odd, zeros - odd), ("utf-16-be", zeros - odd, odd)):
            if most > len(head) // 2 * 0.6 and few < most * 0.2:
                return name
    text = head.replace(b"\0", b"")
    controls = sum(text.count(bytes([byte])) for byte in range(0x20) if byte not in b"\t\n\r\f\x1b")
    return "" if not text or controls > len(text) * 0.02 else "utf-8"


def old_encoding(data: bytes) -> str:
    """The code page that bytes which are no UTF-8 are most likely of: a guess, which is told."""
    runs = [match.group() for match in _HIGH.finditer(data)]
    longest = max(map(len, runs), default=0)
    if longest <= _LONGEST_WESTERN and all(_WESTERN.issuperset(run) for run in runs):
        return "cp1252"
    best, name = 0, "cp1252"
    for candidate in _EAST:
        try:
            text = data.decode(candidate)
        except UnicodeDecodeError:
            continue
        signs = _HANGUL if candidate == "cp949" else _KANA
        wide = sum(char > "\u2fff" for char in text)
        likely = wide + 3 * len(signs.findall(text)) - 4 * len(_UNLIKELY.findall(text))
        if likely > best:
            best, name = likely, candidate
    return name


def lines(chunks: Iterable[bytes], encoding: str, tally: Tally) -> Iterator[str]:
    """The lines without their ends, counted in ``tally.lines``.

    ``chunks``: the bytes from the beginning on. Each is in memory alone.
    """
    left: list[str] = []
    waiting = 0
    for text in _decoded(chunks, encoding, tally):
        if "\0" in text:
            tally.notice(_NULS)
            text = text.replace("\0", "")
        first, *others = text.split("\n")
        left.append(first)
        waiting += len(first)
        if not others and waiting < MOST_OF_A_LINE:
            continue
        whole = ["".join(left), *others]
        last = whole.pop() if others else ""
        left, waiting = [last], len(last)
        yield from _counted(whole, tally)
    rest = "".join(left)
    if rest:
        yield from _counted([rest], tally)


def _counted(whole: list[str], tally: Tally) -> Iterator[str]:
    for line in whole:
        if len(line) <= MOST_OF_A_LINE:
            tally.lines += 1
            yield line[:-1] if line.endswith("\r") else line
            continue
        for piece in _pieces(line):
            tally.lines += 1
            yield piece


def _pieces(line: str) -> Iterable[str]:
    return (line[at : at + MOST_OF_A_LINE] for at in range(0, len(line), MOST_OF_A_LINE))


def _decoded(chunks: Iterable[bytes], encoding: str, tally: Tally) -> Iterator[str]:
    if encoding != "utf-8":
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        mark = "\ufeff"
        for chunk in chunks:
            yield _checked(decoder.decode(chunk).removeprefix(mark), tally)
            mark = ""
        yield decoder.decode(b"", final=True)
        return
    old = ""
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        # A sign is not cut: UTF-8 has none that holds a line end.
        end = data.rfind(b"\n") + 1 or (len(data) if len(data) > MOST_OF_A_LINE else 0)
        data, rest = data[:end], data[end:]
        if data:
            text, old = _utf8_or_old(data, old, tally)
            yield text
    if rest:
        yield _utf8_or_old(rest, old, tally)[0]


def _utf8_or_old(data: bytes, old: str, tally: Tally) -> tuple[str, str]:
    """The text, and the code page that the lines of it which are no UTF-8 were read as."""
    try:
        return data.decode("utf-8"), old
    except UnicodeDecodeError:
        pass
    found = []
    for line in data.split(b"\n"):
        try:
            found.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            if not old:
                old = old_encoding(_foreign(data))
                tally.notice(f"it is no UTF-8: read as {old}, so names that are not ASCII may be wrong")
            found.append(_checked(line.decode(old, errors="replace"), tally))
    return "\n".join(found), old


def _foreign(data: bytes) -> bytes:
    """Lines that are no UTF-8: as many as are needed to tell."""
    found = []
    for line in data.split(b"\n"):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            found.append(line[:1000])
        if len(found) >= 50:
            break
    return b"\n".join(found)


def _checked(text: str, tally: Tally) -> str:
    if "\ufffd" in text:
        at = text.index("\ufffd")
        tally.wonder(_BROKEN, tally.lines + 1, text[max(0, at - 40) : at + 40])
    return text
