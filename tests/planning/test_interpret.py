"""What names on the command line select, and what is answered where they select nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import UsageError
from harness.model import Tier
from harness.planning import interpret
from harness.planning.interpret import Meant


@pytest.mark.parametrize(
    ("words", "selector"),
    [
        (["windows-7"], "*:*:windows-7"),
        (["samba-4.22"], "*:samba-4.22"),
        (["smb3-only"], "smb3-only"),
        (["open"], "*:*:*:open"),
        (["none"], "none"),
        (["nt-pipe-support-off windows-7"], "nt-pipe-support-off:*:windows-7"),
        (["windows-7", "nt-pipe-support-off"], "nt-pipe-support-off:*:windows-7"),
        (["open", "windows-7,curl", "samba-4.22", "smb3-only"], "smb3-only:samba-4.22:windows-7,curl:open"),
        (["windows-7", "windows-xp"], "*:*:windows-7,windows-xp"),
        (["smb3-only+signing-required", "sles11-like"], "smb3-only+signing-required:sles11-like"),
        (["macos-*", "smb1-*"], "smb1-*:*:macos-*"),
    ],
)
def test_each_name_says_which_part_of_a_cell_it_is(words: list[str], selector: str) -> None:
    assert interpret.meant(CATALOGUE, words, Tier.LOCAL) == Meant(selectors=(selector,), named=True)
    assert interpret.selector_of(CATALOGUE, " ".join(words), Tier.LOCAL) == selector


def test_scenarios_and_selectors_stay_what_they_are(tmp_path: Path) -> None:
    script = str(tmp_path / "a name with blanks.py")
    assert interpret.meant(CATALOGUE, ["article", script], Tier.LOCAL) == Meant(scenarios=("article", script))
    selectors = ("smb3-only:samba-4.22", "*:*:curl")
    assert interpret.meant(CATALOGUE, selectors, Tier.LOCAL) == Meant(selectors=selectors)


@pytest.mark.parametrize(
    ("words", "lab", "said"),
    [
        (["windows-8"], Tier.LOCAL, "did you mean windows-8.1 (client)"),
        (["Windows-7"], Tier.LOCAL, "did you mean windows-7 (client)?"),
        (["xp"], Tier.LOCAL, "did you mean windows-xp (client)?"),
        (["articel"], Tier.LOCAL, "did you mean article (scenario)"),
        (["smb3-only", "opne"], Tier.LOCAL, "did you mean open (check)"),
        (["windows-7"], Tier.VAGRANT, "say which: '*:windows-7' (servers) or '*:*:windows-7' (clients)"),
        (["samba-*"], Tier.LOCAL, "say which: '*:samba-*' (servers) or '*:*:samba-*' (clients)"),
        (["*"], Tier.LOCAL, "alone is everything"),
        (["ksmbd"], Tier.LOCAL, "it is a server of another lab: add --lab vagrant"),
        (["windows-10"], Tier.LOCAL, "add --lab vagrant; or 'windows-10-*' (clients)?"),
        (["macos"], Tier.LOCAL, "did you mean 'macos-*' (clients) or macos-11 (client)"),
        (["smb1"], Tier.LOCAL, "did you mean 'smb1-*' (mitigations) or smb1-"),
        (["samba"], Tier.LOCAL, "did you mean samba-4."),
        (["smb1-spoken"], Tier.LOCAL, "the changes that are made to close it: smb1-server-off,"),
        (["samba-bookworm"], Tier.LOCAL, "it is a virtual machine: rehearse up samba-bookworm"),
        (["clients"], Tier.LOCAL, "See: rehearse list clients"),
        (["2026-11-29T02-49-04-article"], Tier.LOCAL, "rehearse report 2026-11-29T02-49-04-article"),
        (["/usr"], Tier.LOCAL, "it is a folder: name its scenarios, as in /usr/*.py, or: pytest /usr"),
        (["smb3-only", ""], Tier.LOCAL, "'' names nothing to rehearse; is a variable not set?"),
        ([" "], Tier.LOCAL, "' ' names nothing to rehearse"),
        (["article", "windows-xp"], Tier.LOCAL, "did you mean: article --only '*:*:windows-xp'"),
        (["smb3-only:samba-4.22", "curl"], Tier.LOCAL, "did you mean 'smb3-only:samba-4.22:curl'?"),
        (["smb3-only:samba-4.22", "samba-4.17"], Tier.LOCAL, "write it as one selector"),
        (["samba-4.22:smb3-only"], Tier.LOCAL, "did you mean 'smb3-only:samba-4.22'?"),
        (["windows-7:*:smb3-only"], Tier.LOCAL, "did you mean 'smb3-only:*:windows-7'?"),
        (
            ["windows-7:samba-4.22:smb3-only:open"],
            Tier.LOCAL,
            "did you mean 'smb3-only:samba-4.22:windows-7:open'?",
        ),
    ],
)
def test_what_selects_nothing_is_answered_with_what_was_meant(words: list[str], lab: Tier, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        interpret.meant(CATALOGUE, words, lab)
    assert said in str(caught.value)
