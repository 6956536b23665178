"""Character sets by the names that smb.conf(5) has for them, as iconv(1) has: which codec of Python is it."""

from __future__ import annotations

import re

_CODECS = (
    (r"utf-?8", "utf-8"),
    (r"euc-?jp.*", "euc_jp"),
    (r"euc-?kr|cp949", "cp949"),
    (r"shift[-_]?jis|sjis|ms932|windows-31j|cp932", "cp932"),
    (r"big5|cp950", "cp950"),
    (r"gbk|gb2312|euc-?cn|cp936", "gbk"),
    (r"gb18030", "gb18030"),
    (r"koi8-r", "koi8_r"),
    (r"koi8-u", "koi8_u"),
    (r"(?:cp|ibm|windows-)?(437|73[7]|775|85[0-8]|86[0-6]|869|874|125[0-8])", "cp{}"),
    (r"iso-?8859-?(\d\d?)", "iso8859_{}"),
    (r"latin-?1", "iso8859_1"),
)
"""No codec but these is ever used."""


def codec(word: str) -> str:
    """Python's codec of a character set; "" for one that is not known here."""
    for pattern, name in _CODECS:
        if match := re.fullmatch(pattern, word, re.IGNORECASE | re.ASCII):
            return name.format(*match.groups())
    return ""


def decoded(data: bytes, codec: str) -> str:
    """The text of some bytes; what is no character of the codec stands as ``\\xNN``."""
    return data.decode(codec, "backslashreplace")
