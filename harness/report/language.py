"""The words of a report in the reader's language: one file of data each, below ``languages/``.

What a run recorded (causes, evidence, what a user sees) is shown as it was recorded; but a cause that is one
of our own fixed sentences, as those of Kerberos and of a domain are, is told in the reader's language.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FILES = Path(__file__).parent / "languages"
DEFAULT: Final = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language."""

    code: str
    """As in ISO 639-1: ``en``, ``ja``."""
    sections: Mapping[str, Mapping[str, str]]
    capitals: bool = False
    """Whether a sentence begins with a capital letter; elsewhere ``smb.conf`` stays so at its beginning."""
    blanks: bool = True
    """Whether blanks stand between words, so that a line is broken there and nowhere else."""

    def __call__(self, key: str, /, **values: object) -> str:
        """The words of ``section.key``, with ``{places}`` filled. Raises KeyError for what no file has."""
        section, _, word = key.partition(".")
        text = self.sections[section][word]
        return text.format(**values) if values else text

    def known(self, section: str, word: str) -> str:
        """The words for a word of the model (``browse``, ``recorded``); one that no file has as it is."""
        return self.sections[section].get(word, word)

    def cause(self, recorded: str) -> str:
        """A cause as it was recorded, or in this language where its sentence is one of ``causes``."""
        key = _causes().get(recorded)
        return self("causes." + key) if key else recorded

    def sentence(self, words: str) -> str:
        """Words at the beginning of a sentence."""
        return words[:1].upper() + words[1:] if self.capitals else words

    def checks(self, names: Iterable[str]) -> str:
        """What a person does: ``seeing the server's list of shares, writing files into a share``."""
        return self("list.items").join(self.known("check", name) for name in names)


def codes() -> tuple[str, ...]:
    """The languages that there are files of; the default first."""
    found = sorted(path.stem for path in FILES.glob("*.toml"))
    return (DEFAULT, *(code for code in found if code != DEFAULT))


@cache
def language(code: str) -> Language:
    """The language of that code. Raises KeyError where there is no file of it."""
    if code not in codes():
        raise KeyError(code)
    with (FILES / f"{code}.toml").open("rb") as file:
        sections = tomllib.load(file)
    words = {name: its for name, its in sections.items() if isinstance(its, dict)}
    return Language(code, words, sections["capitals"], sections["blanks"])


@cache
def _causes() -> Mapping[str, str]:
    """Of the sentences that are recorded, which are those of the default language: -> their words' key."""
    return {text: key for key, text in language(DEFAULT).sections["causes"].items()}


def of_reader(wanted: str = "", around: Mapping[str, str] | None = None) -> str:
    """The code of the language that a reader wants: the one that is named, else that of the locale.

    The locale is the first of LC_ALL, LC_MESSAGES and LANG that is set (locale(7)); English where there is
    no file of its language.
    """
    if wanted:
        return wanted
    around = os.environ if around is None else around
    name = next((around[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if around.get(key)), "")
    code = name.partition(".")[0].partition("_")[0].lower()
    return code if code in codes() else DEFAULT
