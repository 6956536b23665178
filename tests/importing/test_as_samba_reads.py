"""What is read of a smb.conf(5) is what testparm of the lab's releases reads, however the file is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.importing.bring import bring
from harness.importing.judge import ImageJudge, rendered
from harness.labs.server_internals import sections
from harness.servers.allowed import known, of_shares, spelled
from harness.servers.base import parameter_key

pytestmark = pytest.mark.local_lab

EDGES = ("bullseye", "forky")
LOADED = {
    "continued value": "[global]\nworkgroup = AB\\\nCD\n[x]\npath=/\ncomment = one \\\n   two\n",
    "CRLF, continued": "[global]\r\nworkgroup = AB\\\r\nCD\r\n[x]\r\npath=/\r\ncomment = one \\\r\n  two\r\n",
    "blanks behind the backslash": "[global]\nserver string = AB\\  \nnetbios name = z\n[x]\npath=/\n",
    "continued name": "[global]\nserver \\\nstring = hello\n[x]\npath=/\n",
    "a comment goes not on": "[global]\n# foo \\\nserver string = hello\n[x]\npath=/\n",
    "continued section": "[glo\\\nbal]\nserver string = a\n[sha\\\nre]\npath=/\ncomment=c\n",
    "two backslashes": "[global]\nserver string = a\\\\ \n  b = c\n[x]\npath=/\n",
    "backslashes inside": "[global]\nserver string = a\\ b\\   c\\d\n[x]\npath=/\n",
    "no comment in a value": "[global]\nserver string = hello ; world # x\n[x]\npath=/\ncomment = # a\n",
    "blanks before a comment": "[global]\n   ; x\n\t# y\nserver string = a\n[x]\npath=/\n",
    "behind the bracket": "[global] server string = b\nworkgroup = W\n[x] # hi \\\npath=/\ncomment=c\n",
    "blanks in a section": "[ global ]\nserver string=a\n[my   share]\npath=/\ncomment=d\n",
    "no equals sign": "[global]\nserver string\nworkgroup = W\nfoo \\\nos level = 3\n[x]\npath=/\nend",
    "empty value": "[global]\nserver string =\nhosts allow =\n[x]\npath=/\n",
    "several blanks": "[global]\n  se rver   st ring  =   a \t  b\t\tc  \n[x]\npath=/\n",
    "quotes": '[global]\nserver string = "a b"\nworkgroup = "W"\n[x]\npath=/\n',
    "a byte order mark": "\ufeff[global]\nworkgroup = W\n[x]\npath=/\n",
    "a byte order mark before a share": "\ufeff[x]\nguest ok = yes\n[y]\npath=/\n",
    "before any section": "workgroup = W\ncomment = def\n[x]\npath=/\n",
    "a section twice": "[x]\npath=/\ncomment=1\n[y]\npath=/\n[X]\ncomment=2\nguest ok=yes\n",
    "a later global": "[global]\ncomment=def\n[x]\npath=/\n[global]\ncomment=late\n[y]\npath=/\n",
    "copy": "[x]\npath=/\ncomment=1\nguest ok=yes\n[y]\nread only=no\ncomment=own\ncopy=x\n[z]\ncopy=y\n",
    "a copy of part": "[x]\npath=/\n[y]\ncopy = x\n[x]\nguest ok = yes\n[z]\ncopy = X\n",
    "of [global] in a share": "[x]\npath=/\nserver min protocol = NT1\nguest ok = yes\n",
    "full-width blanks": "[global]\nguest　ok = yes\n　os level = 9\nserver string = 　c　\n[x]\npath=/\n",
    "vertical tabs": "[global]\nserver\x0bstring = a\nwork\x0cgroup=W\n[x]\npath=/\n",
    "both globals": "[globals]\nworkgroup=W\n[GLOBAL]\nserver string=z\n[x]\npath=/\n",
    "names by letters alone": "[a b]\npath=/\ncomment=1\n[ab]\npath=/\ncomment=2\n[A B]\nguest ok=yes\n",
    "-valid": "[x]\npath=/\n-valid=no\n[y]\npath=/\n",
    "writeable and read only": "[x]\npath=/\nwriteable=yes\nread only=yes\n[y]\npath=/\nwrite ok=1\n",
    "other names": "[global]\nprotocol = SMB3\n[x]\npath=/\npublic=yes\nonly guest=yes\n",
    "the last counts": "[global]\nmin protocol = SMB2\nserver min protocol = LANMAN1\n[x]\npath=/\n",
    "comments of another language": "# 公開\n[公開]\npath=/\ncomment = 共有\n",
    "a comment behind a number": "[global]\nos level = 9 # nine\n[x]\npath=/\n",
    "options of modules": "[x]\npath=/\nfruit : aapl = no\nFRUIT:Model = X\nvfs objects = fruit\n",
}
REFUSED = {
    "a section without end": ("[global]\n[x\npath=/\n", "has no ] behind it"),
    "a section without name": ("[]\npath=/\n", "a section has no name"),
    "no name": ("[global]\n= foo\n", "there is no name before the ="),
    "a copy of what comes later": ("[y]\ncopy=x\n[x]\npath=/\n", "no share of that name stands before it"),
    "a copy of itself": ("[y]\npath=/\ncopy=y\n", "it is that share itself"),
    "a wrong truth value": ("[x]\npath=/\nguest ok = perhaps\n", "[x] guest ok = perhaps"),
    "a wrong word": ("[global]\nserver min protocol = SMB9\n", "SMB9"),
    "a comment behind a value": ("[x]\nguest ok = yes # all of us\n", "[x] guest ok = yes # all of us"),
    "a word in quotes": ('[global]\nserver min protocol = "SMB2"\n', '"SMB2"'),
    "a wrong number": ("[x]\ncreate mask = rwx\n", "create mask"),
}
NAMES = {parameter_key(name) for name in ("copy", "path", "available", "-valid")}
"""What testparm shows of a file and the lab decides, or says otherwise."""


def read_by(judge: ImageJudge, text: str) -> Mapping[str, Mapping[str, str]]:
    """What a release makes of a smb.conf(5): section -> what it is told, with [global]'s behind it."""
    said = judge.ask(text)
    assert "Loaded services file OK" in said.stderr, said.stderr
    found = sections(said.stdout)
    shown = {
        section: {
            parameter_key(spelled(name)): value
            for name, value in {**found["global"], **settings}.items()
            if known(name) and parameter_key(name) not in NAMES
        }
        for section, settings in found.items()
    }
    # What [global] says for shares is in each of them.
    return {
        section: {key: value for key, value in settings.items() if of_shares(key) is (section != "global")}
        for section, settings in shown.items()
    }


def compare(path: Path, judge: ImageJudge) -> None:
    """Whether the lab's smb.conf says what the file says, but for what was done instead."""
    made = bring(path, name="office", by=judge)
    wanted, got = read_by(judge, path.read_text()), read_by(judge, rendered(made.conf))
    if [one for one in made.instead if one.parameter == "(shares)"]:
        got = {section: settings for section, settings in got.items() if section != "share"}
    assert [*got] == [*wanted]
    other = {(one.section, parameter_key(spelled(one.parameter))) for one in made.instead}
    for section, settings in wanted.items():
        said = {key for where, key in other if where in (section, "global")}
        assert {key: value for key, value in got[section].items() if key not in said} == {
            key: value for key, value in settings.items() if key not in said
        }, section


@pytest.mark.parametrize("image", EDGES)
def test_a_file_that_samba_loads_says_the_same_in_the_lab(
    judges: Callable[[str], ImageJudge], tmp_path: Path, image: str
) -> None:
    path = tmp_path / "smb.conf"
    for what, text in LOADED.items():
        path.write_text(text)
        try:
            compare(path, judges(image))
        except (AssertionError, UsageError) as error:
            raise AssertionError(f"{what}: {error}") from error


@pytest.mark.parametrize("image", EDGES)
def test_a_file_that_samba_does_not_load_is_refused_with_the_reason(
    judges: Callable[[str], ImageJudge], tmp_path: Path, image: str
) -> None:
    path = tmp_path / "smb.conf"
    for what, (text, why) in REFUSED.items():
        assert "Loaded services" not in judges(image).ask(text).stderr, what
        path.write_text(text)
        with pytest.raises(UsageError) as refused:
            bring(path, name="office", by=judges(image))
        assert why in str(refused.value), what
        assert str(path) in str(refused.value), what


@pytest.mark.parametrize("image", EDGES)
def test_a_file_from_the_field_says_the_same_in_the_lab(
    judges: Callable[[str], ImageJudge], field: Path, image: str
) -> None:
    for path in sorted(field.glob("*.conf")):
        if path.name[:2] in ("01", "06", "10", "12", "16", "17", "20", "22", "25", "30"):
            compare(path, judges(image))
