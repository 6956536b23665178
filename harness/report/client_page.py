"""The page of emulated clients: ``python -m harness.report.client_page > docs/clients.md``."""

from __future__ import annotations

from collections.abc import Iterable

from harness.clients import persona
from harness.clients.persona import Persona
from harness.clients.persona_words import guest
from harness.model import Check

_HEAD = """# Emulated clients

A client that cannot run in the lab is emulated: its offer, its authentication and its behaviour are
data, and the harness plays them. **recorded**: its opening is rebuilt from a capture of the real client,
byte for byte except for random values (ClientGuid, salt, message id, and the process id where it is one).
**documented**: its opening comes from the vendor's documentation or source. Both carry a `~` in every report.

An emulated client shows what a *server* does to such a client, and the limits that the client is known to
apply to the answer. It cannot show what the real software does inside. Clients that run for real are in
`rehearse list clients`; `rehearse show NAME` gives the same facts as this page.

This page is generated from `harness/clients/personas/*.toml` by `python -m harness.report.client_page`.
"""


def page(clients: Iterable[Persona] = persona.CLIENTS) -> str:
    """The whole page as Markdown, ending with one line end."""
    known = list(clients)
    rows = [
        f"| [{one.name}](#{one.name.replace('.', '')}) | {one.fidelity} | {one.policy.max_dialect} "
        f"| {'yes' if one.policy.smb1 else 'no'} | {one.data.manner.ntlm.level} "
        f"| {'required' if one.policy.require_signing else 'not required'} | {guest(one.data)} |"
        for one in known
    ]
    table = [
        "| client | fidelity | newest dialect | SMB1 | logs on with | signing | guests |",
        "|" + "---|" * 7,
    ]
    return "\n".join([_HEAD, *table, *rows, "", *("\n".join(_section(one)) for one in known)])


def _section(one: Persona) -> list[str]:
    lines = [f"## {one.name}", "", f"{one.title}.", ""]
    facts: dict[str, str | list[str]] = {
        "fidelity": f"{one.fidelity} (emulated)",
        "checks": ", ".join(check for check in Check if check in one.checks),
        **one.details(),
        "its real counterpart in the lab": one.counterpart,
        "SMB1 cannot be removed": one.smb1_removable,
    }
    for name, value in facts.items():
        if isinstance(value, str):
            lines += [f"* {name}: {_plain(value)}"] if value else []
        elif value:
            lines += [f"* {name}:", *(f"  * {_plain(text)}" for text in value)]
    if one.sees:
        lines += ["", "| refused with | its user sees |", "|---|---|"]
        lines += [f"| `{key}` | {_plain(words)} |" for key, words in one.sees.items()]
    lines += ["", "Evidence:", ""]
    lines += [f"* {_plain(item.what)} [{_plain(item.source)}]" for item in one.evidence]
    return [*lines, ""]


def _plain(text: str) -> str:
    """Markdown shows it as it is."""
    return "".join(f"\\{letter}" if letter in "\\|*_<>[]$" else letter for letter in text)


if __name__ == "__main__":
    print(page(), end="")
