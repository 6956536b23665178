"""The inside of the stand-in for a Windows guest: it keeps settings, records and a boot count.

It answers each of our scripts as the script's contract says a Windows would. It is a book-keeper, no Windows:
tests that use it check what the harness asks for, in which order, and what it does with the answers.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from typing import Any

from fake_windows import Thrown

from harness.remote.readiness import VERSION
from harness.windows import scripts
from harness.windows.fingerprint import KEYS

_NO_SERVICE = {"query": None, "config": None}
_STARTS = ("boot", "system", "auto", "demand", "disabled")
_DEFAULTS = {"SMB1Protocol": "Enabled", "SMB1Protocol-Client": "Enabled", "SMB1Protocol-Server": "Enabled"}


class Machine:
    """``machine.play`` is what ``fake_windows`` asks. Settings are kept as (kind, name) -> value."""

    def __init__(self, caption: str = "Microsoft Windows Server 2022", build: int = 20348) -> None:
        self.caption = caption
        self.build = build
        self.settings: dict[tuple[str, str], Any] = {("feature", name): on for name, on in _DEFAULTS.items()}
        self.records: dict[str, list[tuple[Mapping[str, Any], Any]]] = {}
        self.stubborn: set[str] = set()
        """Settings that stay as they are, whatever is set."""
        self.paths: dict[str, str] = {}
        """Where registry values are that were ever set."""
        self.boots = 1
        self.hangs_at_boot = False
        self.boot_seconds = 0.0
        self._up_at = 0.0
        self.services: dict[str, str] = {}
        self.log: list[str] = []
        self.probe: Callable[[Mapping[str, Any]], Any] = lambda given: {}
        self.after_boot: Callable[[], None] = lambda: None

    def play(self, script: str, given: Mapping[str, Any]) -> Any:
        """Answer one script."""
        if time.monotonic() < self._up_at:
            raise Thrown("it boots")
        if script == VERSION:
            return "5.1.20348.1"
        name = next(one.name for one in scripts.SCRIPTS if one.text == script)
        return getattr(self, f"_{name}")(given)

    def _facts(self, given: Mapping[str, Any]) -> Any:
        return self.play_facts()

    def play_facts(self) -> dict[str, Any]:
        """The facts as the script answers them."""
        running = self.services.get("LanmanServer", "Running") == "Running"
        state = f"SERVICE_NAME: lanmanserver\n        STATE              : {4 if running else 1}  X\n"
        return {
            "caption": self.caption,
            "version": f"10.0.{self.build}",
            "revision": 2849,
            "booted": f"boot {self.boots}",
            "powershell": "5.1.20348.1",
            "server_configuration": self._list("smb-server"),
            "client_configuration": self._list("smb-client"),
            "features": "\n\n".join(
                f"FeatureName : {name}\nState : {value}" for name, value in self._of("feature").items()
            ),
            "services": {
                "srv": _NO_SERVICE,
                **{
                    name: {"query": None, "config": _qc(value)} for name, value in self._of("service").items()
                },
                "lanmanserver": {"query": state, "config": None},
            },
            "registry": {key: self._registry(path) for path, key in KEYS.items()},
            "drivers": {
                "srv2.sys": {"version": [10, 0, self.build, 1], "sha256": "0" * 64},
                "srv.sys": {"version": [10, 0, self.build, 1], "sha256": "1" * 64},
            },
            "guest_enabled": bool(self.settings.get(("guest-account", "Guest"))),
            "reboot_pending": False,
            "records": list(self.records),
        }

    def _of(self, kind: str) -> dict[str, Any]:
        """The settings of a kind that are there, by name."""
        found = self.settings.items()
        return {name: value for (of, name), value in found if of == kind and value is not None}

    def _list(self, kind: str) -> str | None:
        """As a cmdlet lists them."""
        return "\n".join(f"{name} : {value}" for name, value in self._of(kind).items()) or None

    def _registry(self, path: str) -> str:
        """As reg.exe tells a key; Windows has some of its names in small letters."""
        values = self._of("registry").items()
        lines = [
            f"    {name.lower()}    REG_DWORD    {value:#x}"
            for name, value in values
            if self.paths.get(name) == path
        ]
        return "\n".join((path.replace("HKLM:", "HKEY_LOCAL_MACHINE"), *lines))

    def _change(self, given: Mapping[str, Any]) -> Any:
        name = given["Name"]
        self.log.append(f"{given['Action']} {name}")
        if given["Action"] == "apply":
            done = self.records.setdefault(
                name, [(one, self.settings.get((one["kind"], one["name"]))) for one in given["Settings"]]
            )
            for one in given["Settings"]:
                self._set(one, one["value"])
        else:
            if name not in self.records:
                raise Thrown(f"nothing is written down about {name}")
            done = self.records.pop(name)
            for one, before in reversed(done):
                self._set(one, before)
        return {
            "settings": [
                {
                    "kind": one["kind"],
                    "name": one["name"],
                    "before": before,
                    "after": self.settings.get((one["kind"], one["name"])),
                }
                for one, before in done
            ]
        }

    def _set(self, setting: Mapping[str, Any], value: Any) -> None:
        if setting["kind"] == "registry":
            self.paths[setting["name"]] = setting["path"]
        if setting["name"] not in self.stubborn:
            self.settings[setting["kind"], setting["name"]] = value

    def _share(self, given: Mapping[str, Any]) -> Any:
        self.log.append(f"share {given['Share']} for {given['User']}")
        return {"share": given["Share"], "path": given["Path"]}

    def _service(self, given: Mapping[str, Any]) -> Any:
        self.log.append(f"{given['Action']} {given['Name']}")
        self.services[given["Name"]] = "Stopped" if given["Action"] == "stop" else "Running"
        self.after_boot()
        return {"status": self.services[given["Name"]]}

    def _reboot(self, given: Mapping[str, Any]) -> Any:
        before = f"boot {self.boots}"
        if given["Really"]:
            self.log.append("reboot")
            self._up_at = time.monotonic() + self.boot_seconds
            self.boots += 0 if self.hangs_at_boot else 1
            self.after_boot()
        return {"booted": before}

    def _probe(self, given: Mapping[str, Any]) -> Any:
        self.log.append(f"probe {given['Check']}")
        answer = self.probe(given)
        return answer if "records" in answer else {**answer, "records": list(self.records)}

    # -- what Vagrant does ------------------------------------------------------------------------------

    def snapshot(self) -> Callable[[], None]:
        """What brings the books back to what they are now."""
        kept = copy.deepcopy((self.settings, self.records, self.services, self.boots))

        def restore() -> None:
            self.settings, self.records, self.services, self.boots = copy.deepcopy(kept)
            self.after_boot()

        return restore


def _qc(value: str) -> str:
    """As sc.exe tells the start and dependencies that a change sets."""
    start, _, depends = value.partition(" ")
    lines = [f"        START_TYPE         : {_STARTS.index(start)}   X"]
    lines += [
        f"{'        DEPENDENCIES       ' if not at else '                           '}: {name}"
        for at, name in enumerate(depends.split("/"))
        if name
    ]
    return "\n".join(lines) + "\n"
