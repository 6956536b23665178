"""What a command prints in each language, chosen by ``--lang`` and by the locale."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.cli import main as cli

JAPAN = "ja_JP.UTF-8"


def by_option_and_locale(
    words: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[str, str]:
    """What it prints in English and in Japanese; the option counts before the locale."""
    outputs = []
    for locale, *more in (("C.UTF-8",), (JAPAN, "--lang", "en"), (JAPAN,), ("C", "--lang", "ja")):
        monkeypatch.setenv("LC_ALL", locale)
        assert cli.main([*words, *more]) in (0, 1)
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert outputs[2] == outputs[3]
    return outputs[0], outputs[2]
