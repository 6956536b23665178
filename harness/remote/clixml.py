"""What PowerShell leaves on stderr when it is not on a console: CLIXML, turned into the words in it.

Windows PowerShell writes ``#< CLIXML`` and one XML document with the records of its streams there, each
string with line ends and other control characters as ``_x000D__x000A_`` ([MS-PSRP] 2.2.5.3.2).
"""

from __future__ import annotations

import re

_HEAD = "#< CLIXML"
_ERROR = re.compile(r'<S S="Error">(.*?)</S>', re.DOTALL)
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))


def plain(stderr: str) -> str:
    """The error records in it as text; what is no CLIXML stays as it is. Never raises."""
    head, found, records = stderr.partition(_HEAD)
    if not found:
        return stderr.strip()
    said = "".join(_decoded(text) for text in _ERROR.findall(records))
    return "\n".join(filter(None, (head.strip(), said.strip())))


def _decoded(text: str) -> str:
    for entity, char in _ENTITIES:
        text = text.replace(entity, char)
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
