"""smbclient and curl themselves, as far as they can be asked without a server."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from harness.clients.smbclient import Smbclient
from harness.errors import Unsupported
from harness.model import Dialect, Target

PROGRAM = shutil.which("smbclient")
TARGET = Target("127.0.0.1", "share", "someone", "a secret", roots=(("trixie", ()),))
CLIENT = Smbclient()

needs_smbclient = pytest.mark.skipif(PROGRAM is None, reason="smbclient is not installed")


@needs_smbclient
def test_by_default_it_offers_no_smb1() -> None:
    offer = CLIENT.offer(CLIENT.policy, TARGET)
    assert not offer.speaks_smb1
    assert {0x0202, 0x0210, 0x0300, 0x0302, 0x0311} <= set(offer.smb2_dialects)


@needs_smbclient
def test_the_policy_decides_the_offer() -> None:
    newest = CLIENT.offer(replace(CLIENT.policy, min_dialect=Dialect.SMB3_11), TARGET)
    assert newest.smb2_dialects == (0x0311,)
    old = CLIENT.offer(replace(CLIENT.policy, smb1=True, min_dialect=Dialect.NT1), TARGET)
    assert "NT LM 0.12" in old.smb1_dialects


@needs_smbclient
def test_software_is_the_version_of_the_program() -> None:
    assert CLIENT.software(TARGET).startswith("smbclient 4.")
    assert CLIENT.software() == ""


@needs_smbclient
def test_a_policy_without_a_setting_is_not_pretended() -> None:
    with pytest.raises(Unsupported, match="guest"):
        CLIENT.offer(replace(CLIENT.policy, guest=False), TARGET)


def test_nobody_reads_of_a_refused_pipe() -> None:
    assert "no message" in CLIENT.user_sees("create-pipe", "STATUS_ACCESS_DENIED")
