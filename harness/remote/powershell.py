"""PowerShell scripts in a Windows guest: JSON in, JSON out, over any way into it.

cmd.exe takes at most 8191 characters, so only a short bootstrap is on the command line; the script and its
parameters follow on stdin, where no process list shows them. The answer is one line between marks that are
new for every call: whatever else profiles, drivers or Windows itself print is told from it.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from harness.errors import LabFault
from harness.remote import clixml
from harness.remote.base import Remote
from harness.system import files, resources
from harness.system.process import Result

LONGEST_COMMAND = 8191
"""Characters of a command line that cmd.exe takes (Microsoft, "Command prompt line string limitation")."""


class Order(BaseModel):
    """The parameters of a script: a field ``share_name`` is its parameter ``$ShareName``."""

    model_config = ConfigDict(
        alias_generator=to_pascal, populate_by_name=True, extra="forbid", frozen=True, defer_build=True
    )


class Answer(BaseModel):
    """What a script answers; whatever is not in its contract is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


O = TypeVar("O", bound=Order)  # noqa: E741 (as in Script[O, A])
A = TypeVar("A", bound=Answer)


@dataclass(frozen=True, slots=True)
class Script(Generic[O, A]):
    """A script with its contract."""

    name: str
    text: str
    order: type[O]
    answer: type[A]


class ScriptFailed(LabFault):
    """The script began and threw; ``error_id`` is PowerShell's FullyQualifiedErrorId."""

    def __init__(self, message: str, hint: str, error_id: str) -> None:
        super().__init__(message, hint)
        self.error_id = error_id


class PowerShell:
    """PowerShell 3.0 or later of one guest."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    @property
    def name(self) -> str:
        """The guest."""
        return self.remote.name

    def ask(self, script: Script[O, A], order: O, *, timeout: float) -> A:
        """Run a script and return its answer.

        Raises ScriptFailed when it threw, LabFault when it did not end within ``timeout`` seconds, when no
        PowerShell answered, or when the answer is not what its contract says.
        """
        given = order.model_dump(mode="json", by_alias=True)
        said = self.run(script.name, script.text, given, timeout=timeout)
        try:
            return script.answer.model_validate_json(said)
        except ValidationError as error:
            wrong = files.first_mistake(error, "the whole")
            raise LabFault(
                f"{self.name}: {script.name} answered something else than agreed: {wrong}"
            ) from error

    def run(self, name: str, text: str, given: Mapping[str, Any], *, timeout: float) -> str:
        """Run the text of a script; the JSON document that it writes. Raises as ``ask``."""
        mark = f"<{secrets.token_hex(8)}>"
        document = json.dumps({"script": text, "with": given}, ensure_ascii=True)
        result = self.remote.run(command_line(mark), timeout=timeout, stdin=document + "\n")
        kind, said = marked(result.stdout, mark)
        if kind == "answer":
            return said
        if kind == "failure":
            raise self._failure(name, said)
        raise LabFault(f"{self.name}: {name}: {silence(result, kind, said, timeout)}")

    def _failure(self, name: str, said: str) -> LabFault:
        try:
            why = json.loads(said)
            message = " ".join(str(why["message"]).split())
            hint = f"line {int(why['line'])} of the script, {why['id']}"
        except (ValueError, KeyError, TypeError) as error:
            raise LabFault(f"{self.name}: {name} failed and could not say why: {said[:200]}") from error
        return ScriptFailed(f"{self.name}: {name} failed: {message}", hint, str(why["id"]))


def command_line(mark: str) -> str:
    """The command that waits for an order on stdin; its answer stands between two ``mark``."""
    encoded = base64.b64encode(_bootstrap().replace("@MARK@", mark).encode("utf-16-le")).decode()
    return f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"


@cache
def _bootstrap() -> str:
    """The bootstrap without what only people need: comments and indentation."""
    text = resources.path("remote", "bootstrap.ps1").read_text("utf-8")
    return "\n".join(line.strip() for line in text.splitlines() if not line.lstrip().startswith("#"))


def marked(stdout: str, mark: str) -> tuple[str, str]:
    """Kind and text of the last marked line: "answer", "failure" or "old"; ("", "") when there is none.

    A console that breaks lines may have broken this one too: marks hold no line end, and JSON without one
    needs none.
    """
    found = re.findall(f"{re.escape(mark)}([a-z]+) (.*?){re.escape(mark)}", stdout, re.DOTALL)
    if not found:
        return "", ""
    kind, text = found[-1]
    return kind, re.sub(r"[\r\n]", "", text)


def silence(result: Result, kind: str, said: str, timeout: float) -> str:
    """Why a command brought no answer, in one line."""
    if kind == "old":
        return f"PowerShell {said} is too old; install Windows Management Framework 5.1 in the guest"
    if result.status is None:
        return f"no answer within {timeout:g} s"
    words = clixml.plain(result.stderr) or result.stdout.strip()
    if re.search(r"powershell(\.exe)?\W.{0,40}not (found|recognized)", words, re.IGNORECASE | re.DOTALL):
        return f"there is no PowerShell in the guest: {_line(words)}"
    return f"ended with status {result.status} and no answer: {_line(words) or 'it said nothing'}"


def _line(text: str) -> str:
    """The first 200 characters of a text, in one line."""
    return " ".join(text.split())[:200]
