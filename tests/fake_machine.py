"""The inside of the stand-in for a Windows guest: it keeps settings, records and a boot count.

It answers each of our scripts as the script's contract says a Windows would. It is a book-keeper, no Windows:
tests that use it check what the harness asks for, in which order, and what it does with the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fake_windows import Thrown

from harness.remote.readiness import VERSION
from harness.windows import scripts

_NO_SERVICE = {"query": None, "config": None}
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
        self.boots = 1
        self.hangs_at_boot = False
        self.services: dict[str, str] = {}
        self.log: list[str] = []
        self.probe: Callable[[Mapping[str, Any]], Any] = lambda given: {}
        self.after_boot: Callable[[], None] = lambda: None

    def play(self, script: str, given: Mapping[str, Any]) -> Any:
        """Answer one script."""
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
            "server_configuration": None,
            "client_configuration": None,
            "features": None,
            "services": {"lanmanserver": {"query": state, "config": None}, "srv": _NO_SERVICE},
            "registry": {"server": None, "client": None, "lsa": None},
            "drivers": {
                "srv2.sys": {"version": [10, 0, self.build, 1], "sha256": "0" * 64},
                "srv.sys": {"version": [10, 0, self.build, 1], "sha256": "1" * 64},
            },
            "guest_enabled": False,
            "reboot_pending": False,
            "records": list(self.records),
        }

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
            self.boots += 0 if self.hangs_at_boot else 1
            self.after_boot()
        return {"booted": before}

    def _probe(self, given: Mapping[str, Any]) -> Any:
        self.log.append(f"probe {given['Check']}")
        return self.probe(given)
