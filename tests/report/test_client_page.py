"""The page of emulated clients is made from their data."""

from __future__ import annotations

from pathlib import Path

from harness.clients import persona
from harness.report.client_page import page

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "clients.md"


def test_the_page_is_the_one_of_the_data() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m harness.report.client_page > docs/clients.md"


def test_every_client_has_its_section_with_its_sources() -> None:
    text = page()
    for client in persona.CLIENTS:
        section = text.partition(f"\n## {client.name}\n")[2].partition("\n## ")[0]
        assert f"{client.fidelity} (emulated)" in section
        assert section.count("\n* ") > len(client.evidence)
        for recording in client.data.recordings:
            assert recording.sha256 in section
