"""The HTML page in a real browser: Debian's chromium, headless. One browser for all; skipped without it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import playwright as driver
import pytest
from axe_playwright_python.sync_playwright import Axe
from commandline import rehearse
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright
from report_example import cell, example, refused

from harness.labs.local import LocalLab
from harness.model import CellId, Effect, StepName
from harness.report.documents.result import to_document
from harness.report.html.page import render_html
from harness.result import CellResult, RunResult, ServerFact
from harness.system.process import run

CHROMIUM = shutil.which("chromium")
SECONDS = 30
PIPES = "nt-pipe-support-off:samba-4.17"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
    pytest.mark.xdist_group("browser"),
]

Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    node = Path(driver.__file__).parent / "driver" / "node"
    if not run([node, "--version"], timeout=60).ok:
        pytest.skip("what drives the browser does not run here: apt-get install libatomic1")
    # Root has no sandbox; what is opened are our own files, in a network that has only ``lo``.
    with sync_playwright() as playwright:
        words = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=words, timeout=SECONDS * 1000)
        with started:
            yield started


@pytest.fixture(scope="module")
def real(lab: LocalLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run that was really made, as ``run --html`` writes it; beside it the one in Japanese."""
    assert lab
    folder = tmp_path_factory.mktemp("real")
    page = folder / "page.html"
    words = (f"{PIPES}:smbclient,windows-7:browse,open", "--runs", folder / "runs")
    done = rehearse("run", *words, "--html", page, "--lang", "en")
    assert done.status == 1, done.stderr
    again = rehearse("report", "--runs", folder / "runs", "--html", folder / "ja.html", "--lang", "ja")
    assert again.status == 1, again.stderr
    return page


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens a page in a context of its own, which must ask for nothing and break no rule of its policy."""
    contexts = []
    wrong: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        wrong.append(dialog.message)
        dialog.dismiss()

    def visit(file: Path, fragment: str = "", **how: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **how})
        contexts.append(context)
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", dismissed)
        page.on(
            "request", lambda asked: wrong.extend([asked.url] * (not asked.url.startswith(file.as_uri())))
        )
        page.goto(file.as_uri() + fragment)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert wrong == []


def violations(page: Page) -> list[str]:
    """What axe-core finds that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}" for one in found]


@pytest.mark.local_lab
def test_a_click_through_the_report_of_a_real_run(real: Path, opened: Opened) -> None:
    page = opened(real)
    marks = page.locator("#matrix button")
    expect(marks).to_have_count(4)
    page.get_by_role("button", name="L LOST").click()
    expect(page.locator("#count")).to_have_text("2 of 4 cells")
    page.locator("#f-pivot").select_option("client")
    expect(page.locator("#matrix thead th").first).to_have_text("Client")
    page.locator("#f-q").fill("smbclient create-pipe")
    expect(marks).to_have_count(1)
    assert page.url.endswith("#only=lost&pivot=client&q=smbclient+create-pipe")

    marks.click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading", name=f"{PIPES}:smbclient:browse")).to_be_focused()
    for text in ("STATUS_ACCESS_DENIED", "nt pipe support = no", "the server's", "brought back"):
        expect(sheet).to_contain_text(text)
    assert sheet.locator("tr", has_text="create-pipe").locator("td").all_inner_texts()[1].count("ms") == 1
    # The run folder lies below the page's: its evidence is one click away, and really there.
    links = sheet.get_by_role("link")
    assert links.all_inner_texts() == [
        "packets.pcapng",
        "server.log",
        "client.txt",
        "configuration.diff",
        "cell.json",
    ]
    for link in links.all():
        path = Path(unquote(urlsplit(link.evaluate("link => link.href")).path))
        assert path.is_relative_to(real.parent / "runs")
        assert path.stat().st_size
    address = page.url
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(marks).to_be_focused()
    # Whoever gets the address sees the same.
    other = opened(real, "#" + address.partition("#")[2])
    expect(other.get_by_role("dialog")).to_contain_text(f"{PIPES}:smbclient:browse")
    expect(other.locator("#count")).to_have_text("1 of 4 cells")


@pytest.mark.local_lab
def test_a_real_run_in_japanese_in_the_dark_and_on_paper(real: Path, opened: Opened) -> None:
    page = opened(real.with_name("ja.html"), color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.get_by_role("heading", level=1)).to_have_text("この変更で何が起きるか")
    shade = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(shade)
    page.locator("#theme").select_option("light")
    assert page.evaluate(shade) != dark
    assert page.url.endswith("#theme=light")
    printed = page.pdf()
    assert printed.startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6


def _page(tmp_path: Path, run: RunResult) -> Path:
    path = tmp_path / "page.html"
    path.write_text(render_html(to_document(run)), encoding="ascii")
    return path


def test_the_keyboard_reaches_every_cell(tmp_path: Path, opened: Opened) -> None:
    page = opened(_page(tmp_path, example()))
    assert page.locator("#matrix button[tabindex='0']").count() == 1
    page.locator("#matrix button[tabindex='0']").focus()
    where = "document.activeElement.getAttribute('aria-label')"
    first = page.evaluate(where)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(where) != first
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog")
    expect(sheet).to_be_visible()
    was = sheet.get_by_role("heading", level=2).inner_text()
    page.keyboard.press("ArrowRight")
    expect(sheet.get_by_role("heading", level=2)).not_to_have_text(was)


def test_the_page_of_a_cell_keeps_the_keyboard_although_the_browser_need_not(
    tmp_path: Path, opened: Opened
) -> None:
    page = opened(_page(tmp_path, example()))
    mark = page.locator("#matrix button.e-lost").nth(1)
    mark.click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_have_attribute("aria-modal", "true")
    # A modal one costs half a second of ten thousand cells, at each opening and closing.
    assert not sheet.evaluate("sheet => sheet.matches(':modal')")
    expect(sheet.get_by_role("heading", level=2)).to_be_focused()
    last = sheet.locator("a, button:enabled").last
    page.keyboard.press("Shift+Tab")
    expect(last).to_be_focused()
    page.keyboard.press("Tab")
    expect(sheet.locator("a, button:enabled").first).to_be_focused()
    page.locator("#f-q").focus()
    expect(sheet.get_by_role("heading", level=2)).to_be_focused()
    page.mouse.click(3, 450)
    expect(sheet).to_be_hidden()
    expect(mark).to_be_focused()
    mark.click()
    # Where nothing in it has the focus, its keys work all the same.
    sheet.locator("dl").click()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.locator("#f-q").fill("windows-7")
    # Whether the window has the focus is not the page's doing (on a busy machine it had not).
    assert page.evaluate("document.activeElement.id") == "f-q"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_people_out(tmp_path: Path, opened: Opened, scheme: str) -> None:
    page = opened(_page(tmp_path, example()), color_scheme=scheme)
    assert violations(page) == []
    page.locator("#f-view").select_option("phases")
    page.locator("#matrix button.e-lost").first.click()
    assert violations(page) == []


def test_without_scripts_every_table_is_there(tmp_path: Path, opened: Opened) -> None:
    run = example()
    page = opened(_page(tmp_path, run), java_script_enabled=False)
    assert page.locator("#matrix td .m").count() == len(run.cells)
    assert page.locator("#matrix td .m.e-lost").count() == run.summary()["lost"]
    expect(page.locator("#reasons")).to_contain_text("the server refuses every named pipe")
    expect(page.locator("#tools")).to_be_hidden()


EVIL = (
    "</script><script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "javascript:document.title='ran'",
    "\x1b[2J\x07\u202egnp.exe\u2066 ]]>--><!-- {{ 7*7 }} ${7*7} &lt;b&gt;",
    "__proto__",
)


def _hostile() -> RunResult:
    """Every text of the run would do something if it were obeyed."""

    def one(number: int, text: str) -> CellResult:
        known = cell(
            "a:b:c:d",
            Effect.LOST,
            applied=refused(StepName.TREE_CONNECT, text, detail=text),
            cause=text,
            user_sees=text,
            claim=text,
            expected=False,
        )
        return replace(known, cell=CellId(text, text, f"{number} {text}", text))

    return replace(
        example(),
        run=EVIL[0],
        lab=EVIL[1],
        damage=EVIL[3],
        cells=tuple(one(number, text) for number, text in enumerate(EVIL)),
        servers={text: ServerFact(text, text, text, "real", packages=(text,)) for text in EVIL},
        rows=(),
    )


def test_what_a_hostile_run_says_is_shown_and_not_obeyed(tmp_path: Path, opened: Opened) -> None:
    page = opened(_page(tmp_path, _hostile()))
    marks = page.locator("#matrix button")
    expect(marks).to_have_count(len(EVIL))
    for number in range(len(EVIL)):
        marks.nth(number).click()
        sheet = page.get_by_role("dialog")
        expect(sheet).to_be_visible()
        expect(sheet).to_contain_text(EVIL[number].replace("\x1b", r"\x1b").partition("\x07")[0])
        page.keyboard.press("Escape")
    assert page.title().startswith("SMB rehearsal:")
    assert page.locator("img, iframe, object, embed, form").count() == 0
    assert page.locator("script").count() == 2
    expect(page.locator("#reasons")).to_contain_text(r"\x1b[2J\x07\u202egnp.exe\u2066")
