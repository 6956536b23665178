"""What a Windows is and how its SMB is set up, typed: from what ``scripts/facts.ps1`` answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from harness.windows import outputs, patches
from harness.windows.outputs import RegistryValue, ServiceState, Version
from harness.windows.scripts import FactsAnswer


@dataclass(frozen=True)
class Facts:
    """The facts of one guest at one moment. What a Windows cannot tell is None, never a guess."""

    answer: FactsAnswer

    @property
    def build(self) -> int:
        """20348 for Windows Server 2022."""
        return int(self.answer.version.rpartition(".")[2])

    @property
    def version(self) -> str:
        """ "10.0.20348.2849", or three numbers where Windows keeps no fourth."""
        revision = self.answer.revision
        return self.answer.version + ("" if revision is None else f".{revision}")

    @property
    def records(self) -> tuple[str, ...]:
        """The changes that are made and not taken back, in the order they were made: ``side-mitigation``."""
        return self.answer.records

    def service(self, name: str) -> ServiceState | None:
        """A service or driver as sc.exe tells it; None when it told nothing."""
        texts = self.answer.services.get(name)
        return outputs.service(texts.query, texts.config) if texts else None

    def driver(self, name: str) -> Version | None:
        """The version of a driver's file; None when the file is not there."""
        found = self.answer.drivers.get(name)
        if found is None:
            return None
        major, minor, build, revision = found.version
        return (major, minor, build, revision)

    @cached_property
    def registry(self) -> Mapping[str, Mapping[str, RegistryValue]]:
        """The values of the keys of server, client and lsa."""
        return {name: outputs.registry(text) for name, text in self.answer.registry.items()}

    @cached_property
    def server_configuration(self) -> Mapping[str, str]:
        """Get-SmbServerConfiguration; empty on a Windows that has no such cmdlet."""
        return next(iter(outputs.format_list(self.answer.server_configuration or "")), {})

    @cached_property
    def client_configuration(self) -> Mapping[str, str]:
        """Get-SmbClientConfiguration; empty on a Windows that has no such cmdlet."""
        return next(iter(outputs.format_list(self.answer.client_configuration or "")), {})

    @cached_property
    def features(self) -> Mapping[str, str]:
        """The optional features of SMB1 with their state, e.g. "SMB1Protocol" -> "Enabled"."""
        return outputs.features(self.answer.features or "")

    @property
    def smb1_client(self) -> bool | None:
        """Whether the client's SMB1 driver can start: there, and not disabled."""
        if "mrxsmb10.sys" not in self.answer.drivers:
            return False
        found = self.service("mrxsmb10")
        return None if found is None else found.exists and found.start != "disabled"

    @property
    def smb1_server(self) -> bool | None:
        """Whether the server speaks SMB1 by what it is set to; what it does is seen on the wire."""
        told = outputs.switch(self.server_configuration, "EnableSMB1Protocol")
        if told is not None:
            return told and "srv.sys" in self.answer.drivers
        value = self.registry.get("server", {}).get("SMB1")
        # Microsoft: "1 = Enabled (no registry key is created)".
        return "srv.sys" in self.answer.drivers and value != 0

    @property
    def server_running(self) -> bool | None:
        """Whether the service LanmanServer runs."""
        found = self.service("lanmanserver")
        return found.running if found else None

    @property
    def ms17_010(self) -> patches.Verdict:
        """Whether MS17-010 is in it."""
        return patches.ms17_010(self.driver("srv.sys"))
