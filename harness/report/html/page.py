"""The page: template, style and script made into one file that may run nothing else.

Its Content-Security-Policy names its one style sheet and its one script by their hashes and forbids all
else: other scripts, the network, images, frames, forms. ``require-trusted-types-for`` keeps the script itself
from making HTML of text. Autoescape is on, and what a run holds is cleaned of control and bidirectional
characters, which are shown instead. The file is pure ASCII: no mail program can read it in a wrong encoding.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.environment import TemplateStream
from markupsafe import Markup

from harness.report import spent
from harness.report.documents.cells import CellPart
from harness.report.documents.machines import fleet_again, machines_again
from harness.report.documents.result import ResultDocument, cells_of, without_cells
from harness.report.formats import Source
from harness.report.html.beside import NO_LINKS, Links, links
from harness.report.html.chart import charts
from harness.report.html.packed import Packed
from harness.report.html.pivot import pivot
from harness.report.html.view import (
    Change,
    Shown,
    added,
    cannot,
    changes,
    fallen,
    holes,
    key,
    marked,
    reasons,
)
from harness.report.language import DEFAULT, Language, language, of_reader
from harness.report.machines import fleet_line, losses, rest
from harness.report.reuse import disagreements, sentences
from harness.result import NO_CHANGE
from harness.system.garbage import not_searched
from harness.system.plain import clean

HERE = Path(__file__).parent
_AT_ONCE: Final = 500
"""So many pieces of a template are written as one: most have a few characters."""


def written(source: Source) -> Iterator[str]:
    """The page of a run, in the language that was asked for (``harness.report.formats``)."""
    result = source.result
    yield from _pieces(without_cells(result), cells_of(result), of_reader(source.lang), links(source))


@not_searched()
def render_html(document: ResultDocument, lang: str = DEFAULT, beside: Links = NO_LINKS) -> str:
    """The page of a result document. Raises KeyError for a language that there is no file of."""
    return "".join(_pieces(document, document.cells, lang, beside))


def _pieces(document: ResultDocument, cells: Iterable[CellPart], lang: str, beside: Links) -> Iterator[str]:
    """The page in pieces. Each cell is needed once: a page of 40,000 keeps of each what it shows itself."""
    words = language(lang)
    style, script = asset("report.css"), asset("report.js")
    box = Packed(words, beside)
    shown = []
    for cell in cells:
        box.add(cell)
        shown.append(Shown.of(cell))
    found = changes(document, shown)
    took = document.measured.spent
    reused = document.reuse.cells if document.reuse else 0

    def told(one: Change) -> tuple[str, ...]:
        if one.part.machines is None:
            return ()
        again = machines_again(one.part.machines)

        def label(name: str) -> str:
            return marked(name, document.clients)

        return (*losses(again, words, label), *rest(again.whole, words, label))

    return in_pieces(
        "report.html.jinja",
        {
            "document": document,
            "t": words,
            "once": cache,
            "lang": lang,
            "csp": _policy(style, script),
            "style": Markup(style),
            "script": Markup(script),
            "data": map(Markup, box.pieces(document)),
            "there": len(shown),
            "changes": [one for one in found if one.number],
            "charts": charts(found),
            "reasons": reasons(shown),
            "holes": holes(document),
            "fallen": fallen(document),
            "cannot": cannot(document, words),
            "pivot": pivot(shown),
            "reuse": [*sentences(document.reuse, len(shown), words)],
            "spent": [*spent.sentences(took, reused, len(shown), words)],
            "spent_head": spent.head(took, words) if took else (),
            "spent_rows": spent.rows(took, words),
            "disagreements": [*disagreements(document.reuse, words)],
            "fleet": fleet_line(fleet_again(document.fleet), words) if document.fleet else "",
            "machines": {(one.part.mitigation, one.part.server): told(one) for one in found},
        },
    )


def _policy(style: str, script: str) -> str:
    """What the page may do, as Content Security Policy Level 3 writes it."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{digest(script)}'",
            f"style-src '{digest(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def digest(text: str) -> str:
    """The hash of a style sheet or script, as Content Security Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def asset(name: str) -> str:
    """A style sheet or script. It is ASCII: what replaces other characters in HTML has no effect in it."""
    return (HERE / name).read_text("ascii")


def filled(name: str, values: Mapping[str, object]) -> str:
    """A template with these values; pure ASCII."""
    return "".join(in_pieces(name, values))


def in_pieces(name: str, values: Mapping[str, object]) -> Iterator[str]:
    """The same in pieces.

    The template's macros and what it was handed hold each other, so that a document of ten thousand cells
    stayed until Python searched for garbage, which took as long as the page (``python -m
    benchmarks.html_report``).
    """
    template = _environment().get_template(name)
    context = template.new_context(dict(values))
    found = TemplateStream(template.root_render_func(context))
    found.enable_buffering(_AT_ONCE)
    for text in found:
        yield text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    context.vars.clear()
    context.parent.clear()


@cache
def _environment() -> Environment:
    """The templates beside this file; all that they are given is escaped, and cleaned of what steers."""
    made = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["key"] = key
    made.filters["marked"] = marked
    made.filters["added"] = added
    made.filters["as_it_is"] = _as_it_is
    return made


def _as_it_is(mitigation: str, words: Language) -> str:
    """The mitigation that changes nothing in words; every other by its name."""
    return words("sides.none") if mitigation == NO_CHANGE else mitigation


def _shown(value: object) -> object:
    """Text as it may be shown: nothing in it steers what stands around it."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
