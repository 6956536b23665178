"""The page of a shell at a cell, in both languages."""

from __future__ import annotations

import re

import pytest
from known import CATALOGUE

from harness.model import CellId, Phase, Target
from harness.report import standing
from harness.report.language import language
from harness.result import ServerFact

CELL = CellId.parse("smb3-only:old:windows-7:open")


def page(lang: str, client: str, phase: Phase = Phase.APPLIED, login: str = "") -> list[str]:
    who = CATALOGUE.clients[client]
    found = standing.Surroundings(
        CELL,
        phase,
        "local",
        ServerFact("old", "", "Samba 4.13", "emulated"),
        Target("127.1.2.3", "share", "me", "secret"),
        who,
        who.policy,
        ["testparm"],
        {"smb.conf": "/x/smb.conf", "log": "/x/log", "shell": "ssh -p 22", "log.smbd": "sudo"},
    )
    by_hand = standing.ByHand(["by --hand"], ["smbclient -L"], login)
    return list(standing.lines(found, by_hand, language(lang)))


def test_in_english() -> None:
    text = "\n".join(page("en", "windows-7"))
    for line in (
        f"{CELL}, with the change, lab local\n  shown by  testparm\n  server    ~old: Samba 4.13\n",
        "  address   127.1.2.3 port 445, share share ($SMB_SERVER, $SMB_SHARE)\n",
        "  account   me, password secret ($SMB_USER, $PASSWD)\n  smb.conf  /x/smb.conf\n  log       /x/log\n",
        "\n\nthe client itself (~windows-7, emulated), step by step as in a report:\n"
        "  rehearse-attempt              also: rehearse-attempt ",
        "the client's own program, by hand:\n  by --hand\n",
        "smbclient, which is another client:\n  smbclient -L\n",
    ):
        assert line in text


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("client", ["windows-7", "smbclient"])
@pytest.mark.parametrize("login", ["", "ssh guest"])
def test_no_english_of_ours_is_left_in_japanese(phase: Phase, client: str, login: str) -> None:
    text = "\n".join(page("ja", client, phase, login))
    # What is typed and what was measured stays; so do the names of programs and files.
    kept = (
        *(str(CELL), "local", "testparm", "~old: Samba 4.13", "127.1.2.3", "share", "me", "secret", "/x/log"),
        *("$SMB_SERVER", "$SMB_SHARE", "$SMB_USER", "$PASSWD", "/x/smb.conf", "smb.conf", "log.smbd", "sudo"),
        *("ssh -p 22", "ssh guest", "by --hand", "smbclient -L", "smbclient", "windows-7", "cifs", "root"),
        *("rehearse-cell", *CATALOGUE.clients[client].checks),
    )
    text = re.sub(r"(?m)^  mount .*$|rehearse-attempt", "", text)
    for one in sorted(kept, key=len, reverse=True):
        text = text.replace(one, "")
    assert not re.search("[A-Za-z]", text), text
