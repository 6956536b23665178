"""Plausible mistakes on the command line are answered with what was meant, in one line."""

from __future__ import annotations

import pytest

from harness.cli import main as cli
from harness.errors import UsageError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rum", "did you mean run"),
        ("windows-7", "did you mean: rehearse run windows-7, or: rehearse show windows-7?"),
        ("smb3-only:samba-* --json", "did you mean: rehearse run 'smb3-only:samba-*' --json"),
        ("help plna", "did you mean plan"),
        ("versoin", "did you mean version"),
        ("--json list clients", "--json stands before the verb"),
        ("run --xml", "write: --junit FILE"),
        ("run smb3-only -n", "what would be measured: rehearse plan"),
        ("run --colour", "NO_COLOR=1"),
        ("run --check open", "names select by themselves: rehearse run open"),
        ("plan smb3-only --client=curl", "names select by themselves: rehearse plan smb3-only curl"),
        ("doctor --details", "these have it: run, change, plan, report, diff, merge;"),
        ("clean --dry-run", "clean has no option --dry-run; these have it: expose;"),
        ("report --detials", "did you mean --details?"),
        ("report one two", "report takes no further word, and there is 'two'"),
        ("boxes biuld", "is none of list, build, fetch, verify; did you mean build?"),
        ("run --lab vagrnat", "did you mean vagrant?"),
        ("--html", "--html needs a verb before it; these have it: run, change, report, merge;"),
        ("-V", "-V needs a verb before it; See: rehearse help"),
        ("fleet add office.csv", "did you mean import?"),
        ("images rm nas", "did you mean remove?"),
    ],
)
def test_the_command_that_was_meant(words: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        cli.parse(words.split())
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("words", ["help help", "run help", "help fleet import", "fleet import --help"])
def test_help_is_help_wherever_it_stands(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parse(words.split())
    about = " ".join(word for word in words.split() if word.strip("-") != "help")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: rehearse {about}".rstrip())
