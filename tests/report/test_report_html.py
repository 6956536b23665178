"""The HTML page of a run: one file that asks for nothing, and whatever the run holds is text in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import string
import subprocess
import sys
import weakref
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from any_run import runs
from hypothesis import Phase, given, settings
from known import CATALOGUE
from report_example import example

from harness.report.documents.result import to_document
from harness.report.formats import Source
from harness.report.html.beside import NO_LINKS, Links, links
from harness.report.html.chart import _label, _scale, _staircase
from harness.report.html.page import HERE, render_html, written
from harness.report.html.pivot import pivot
from harness.report.html.view import Shown
from harness.report.language import Language, codes, language, of_reader
from harness.result import Added, RunResult
from harness.system.garbage import not_searched


class Reader(HTMLParser):
    """What a browser would find in a page, as far as it could be made to do something."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.raw: list[str] = []
        """The contents of script and style elements."""
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in ("script", "style"):
            self.raw.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.raw[-1] += data
        else:
            self.texts.append(data)


def only(page: Reader, tag: str, name: str) -> list[str]:
    return [value for here, attribute, value in page.attributes if (here, attribute) == (tag, name)]


TAGS = set(re.findall(r"<([a-z0-9]+)", (HERE / "report.html.jinja").read_text()))
"""The elements of the template."""


# Not shrunk: a page is long, and the first one that fails says enough.
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(run=runs())
def test_whatever_a_run_holds_is_text_in_the_page(run: RunResult) -> None:
    document = to_document(run)
    text = render_html(document)
    assert set(text) <= {*string.printable} - {"\r", "\x0b", "\x0c"}
    page = Reader(text)
    # Nothing of a run became an element, a handler, an address or a script.
    assert set(page.tags) <= TAGS
    assert not [one for one in page.attributes if one[1].startswith("on") or one[1] in ("src", "style")]
    assert all(value.startswith("#") for value in only(page, "a", "href"))
    style, data, script = page.raw
    assert (style, script) == tuple(Reader(render_html(to_document(example()))).raw[::2])
    found = json.loads(data)
    assert len(found["cells"]) == len(document.cells)
    # What would steer what stands around it is shown instead.
    for shown in (*page.texts, *found["texts"], *(value for *_, value in page.attributes)):
        assert all(char.isprintable() or char == "\n" for char in shown), repr(shown)


def test_the_page_allows_its_own_style_and_script_alone() -> None:
    page = Reader(render_html(to_document(example())))
    policy = next(value for value in only(page, "meta", "content") if "default-src" in value)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    style, _, script = page.raw
    for name, text in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"


@pytest.mark.parametrize("code", codes())
def test_a_language_has_every_word_and_every_place(code: str) -> None:
    def places(words: Language) -> dict[tuple[str, str], set[str]]:
        return {
            (section, key): set(re.findall(r"\{(\w+)\}", text))
            for section, its in words.sections.items()
            for key, text in its.items()
        }

    assert places(language(code)) == places(language("en"))
    assert render_html(to_document(example()), code).count(f'<html lang="{code}">') == 1


@pytest.mark.parametrize("code", codes())
def test_that_nobody_saw_a_difference_and_what_is_not_built_in_are_sentences(code: str) -> None:
    mine = (Added("server", "office@docs", "yours"), Added("mitigation", "more", "smb-more 1.2"))
    document, words = to_document(replace(example(), added=mine)), language(code)
    unnoticed = words("verdict.unnoticed_by_clients")
    assert unnoticed not in unescape(render_html(document, code))
    applied = tuple(one.model_copy(update={"unnoticed": True}) for one in document.applied)
    page = unescape(render_html(document.model_copy(update={"applied": applied}), code))
    assert unnoticed in page
    assert words("html.yours", names="office@docs") in page
    assert words("html.of_package", whose="smb-more 1.2", names="more") in page


@pytest.mark.parametrize(
    ("around", "code"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LC_ALL": "C.UTF-8", "LANG": "ja_JP.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "ja", "LANG": "en_US"}, "ja"),
        ({"LANG": "tlh_KX"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_chooses_the_language(around: dict[str, str], code: str) -> None:
    assert of_reader("", around) == code
    assert of_reader("en", around) == "en"


def test_the_plain_table_has_every_cell_once() -> None:
    document = to_document(example())
    shown = [*map(Shown.of, document.cells)]
    table = pivot(shown)
    there = [cell for _, rows in table.groups for row in rows for cell in row.cells if cell]
    assert sorted(map(id, there)) == sorted(map(id, shown))
    width = sum(len(checks) for _, checks in table.clients)
    assert {len(row.cells) for _, rows in table.groups for row in rows} == {width}


def test_the_picture_joins_what_nothing_beats() -> None:
    points = [(3, 4), (0, 1), (1, 1), (2, 4), (1, 2)]
    assert _staircase(points) == [(0, 1), (1, 1), (1, 2), (2, 2), (2, 4)]
    assert _label([7, 1, 2, 3, 0]) == "0–3, 7"
    assert _label([4, 5]) == "4, 5"
    assert _scale(0) == [0, 1]
    assert _scale(17) == [0, 5, 10, 15, 20]


def test_a_document_is_gone_with_its_page() -> None:
    """The template's macros hold what they were handed; no search for garbage is needed to end that."""
    document = to_document(example())
    seen = weakref.ref(document)
    with not_searched():
        assert "</html>" in render_html(document)
        del document
        assert seen() is None


def test_rendering_loads_neither_the_lab_nor_the_workers() -> None:
    never = (
        "harness.labs.local",
        "harness.labs.namespace",
        "harness.labs.samba",
        "harness.conduct",
        "impacket",
    )
    ask = (
        "import sys, harness.report.html.page; "
        f"print(*[name for name in sys.modules if name.startswith({never})])"
    )
    found = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_links_lead_below_the_page_or_nowhere(tmp_path: Path) -> None:
    """And only to regular files that are there, whatever the folder of the run is called."""
    run = example()
    place = "evidence/cells/one"
    kept = replace(run, cells=(replace(run.cells[0], evidence=place), *run.cells[1:]))
    folder = tmp_path / "javascript:alert(1)#?"
    (folder / place).mkdir(parents=True)
    (folder / place / "packets.pcapng").touch()
    (folder / place / "server.log").symlink_to("/etc/passwd")
    (folder / place / "evil.html").touch()
    beside = links(Source(kept, folder, CATALOGUE, place=tmp_path))
    assert beside == Links("./javascript%3Aalert%281%29%23%3F/", {place: ("packets.pcapng",)})
    data = json.loads(Reader(render_html(to_document(kept), beside=beside)).raw[1])
    assert (data["beside"], data["texts"][data["cells"][0][15]]) == (beside.base, place)
    assert [data["texts"][at] for at in data["cells"][0][16]] == ["packets.pcapng"]
    assert len(data["cells"][1]) == 15
    for elsewhere in (None, tmp_path / "elsewhere", folder / "evidence"):
        assert links(Source(kept, folder, CATALOGUE, place=elsewhere)) == NO_LINKS
    assert json.loads(Reader("".join(written(Source(kept, folder, CATALOGUE)))).raw[1])["beside"] is None


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_of_a_run_without_a_cell_nothing_is_said_that_sounds_well(lang: str) -> None:
    """Of one that was cut off early the page said that nothing was lost."""
    say = language(lang)
    empty = replace(example(), cells=(), exposures=(), complete=False)
    text = " ".join(Reader(render_html(to_document(empty), lang)).texts)
    assert text.count(say("verdict.nothing_measured")) == 2
    assert say("reasons.nothing") not in text
    assert say("verdict.changes_none") not in text
