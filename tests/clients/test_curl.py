"""curl itself, as far as it can be asked without a server."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from harness.clients.base import Offer
from harness.clients.curl import Curl, _config
from harness.errors import Unsupported
from harness.model import Dialect, Target

PROGRAM = shutil.which("curl")
TARGET = Target("127.0.0.1", "a share", "someone", 'pass"wo\\rd', roots=(("trixie", ()),))
CLIENT = Curl()


@pytest.mark.skipif(PROGRAM is None, reason="curl is not installed")
def test_it_offers_one_dialect_of_smb1() -> None:
    assert CLIENT.offer(CLIENT.policy, TARGET) == Offer(("NT LM 0.12",))


def test_a_policy_that_it_cannot_follow_is_not_pretended() -> None:
    for changed in (
        replace(CLIENT.policy, smb1=False),
        replace(CLIENT.policy, min_dialect=Dialect.SMB2_02),
        replace(CLIENT.policy, ntlmv2_only=True),
        replace(CLIENT.policy, require_signing=True),
        replace(CLIENT.policy, guest=False),
    ):
        with pytest.raises(Unsupported):
            CLIENT.offer(changed, TARGET)


def test_the_config_quotes_what_a_user_may_choose() -> None:
    config = _config(TARGET, "127.0.0.1:4450", "welcome.txt")
    assert 'user = "someone:pass\\"wo\\\\rd"' in config
    assert 'url = "smb://127.0.0.1:4450/a%20share/welcome.txt"' in config
