"""Several mitigations made at once. What cannot be made on a server or client is left out, the rest made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.clients.base import Client
from harness.mitigations.base import SEPARATOR, Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, ClientPolicy, Finding, Side, Target
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer


class Combination(Mitigation):
    """Several mitigations at once, made in the order of their names and applied in one go."""

    def __init__(self, parts: tuple[Mitigation, ...], name: str = "") -> None:
        """``name`` is that of the whole, where ``parts`` are what can be made of it somewhere."""
        self.parts = parts
        self.name = name or SEPARATOR.join(part.name for part in parts)
        self.title = " + ".join(part.title for part in parts)
        self.how = max((part.how for part in parts), key=lambda how: how.value)
        self.sides = frozenset(side for part in parts for side in part.sides)
        self.expectation = Expectation(
            "; ".join(part.expectation.text for part in parts),
            "; ".join(dict.fromkeys(part.expectation.source for part in parts)),
        )
        self.labs = frozenset.intersection(*(part.labs for part in parts))
        self.on_network = any(part.on_network for part in parts)
        self.offers_quic = any(part.offers_quic for part in parts)
        self.watched = any(part.watched for part in parts)
        self.aims = tuple(dict.fromkeys(aim for part in parts for aim in part.aims))

    def cause(self, before: Attempt, refused: Attempt) -> str:
        """What each part that can have done it says; which one did, no single attempt shows."""
        said = [(part.name, part.cause(before, refused)) for part in self.parts]
        known = [(name, why) for name, why in said if why]
        return (
            " or ".join(f"{name}: {why}" for name, why in known)
            if len(known) > 1
            else "".join(why for _, why in known)
        )

    def within(self, server: Server, client: Client | None = None) -> Combination:
        able, missing = self._able(server, client)
        if not able:
            raise NotApplicableError("; ".join(f"{name}: {why}" for name, (_, why) in missing.items()))
        return Combination(able, self.name)

    def on_both(self, server: Server, client: Client) -> Combination:
        """``within``: which parts are left hangs on both."""
        return self.within(server, client)

    def left_out(self, server: Server, client: Client) -> Mapping[str, tuple[str, str]]:
        return self._able(server, client)[1]

    def acts_on(self, client: Client) -> bool:
        return bool(self._on(client))

    def changed(self, state: ServerState, server: Server) -> ServerState:
        """The state with all parts that can be made there. Raises NotApplicableError where none can."""
        return self._on_server(state, server)[0]

    def on_client(self, policy: ClientPolicy, client: Client) -> ClientPolicy:
        """The policy with all parts that the client can have.

        Raises NotApplicableError where that is none, and where a part that cannot be made on the client acts
        on the server, too: there it is made for everybody.
        """
        reasons = []
        for part in self.parts:
            try:
                policy = part.on_client(policy, client)
            except NotApplicableError as reason:
                if Side.SERVER in part.sides:
                    raise
                reasons.append(f"{part.name}: {reason}")
        if len(reasons) == len(self.parts):
            raise NotApplicableError("; ".join(reasons))
        return policy

    def verify(self, live: LiveServer) -> Finding:
        return together(self.look(live).values())

    def look(self, live: LiveServer) -> Mapping[str, Finding]:
        acting = (part for part in self.parts if Side.SERVER in part.sides)
        return {name: found for part in acting for name, found in part.look(live).items()}

    def verify_client(self, client: Client, policy: ClientPolicy, target: Target) -> Finding:
        return together(part.verify_client(client, policy, target) for part in self._on(client))

    def _on_server(
        self, state: ServerState, server: Server
    ) -> tuple[ServerState, tuple[Mitigation, ...], dict[str, str]]:
        """The changed state, the parts that are made, and why the others are not. Raises like ``changed``."""
        able, reasons = [], {}
        for part in self.parts:
            try:
                state = part.changed(state, server)
            except NotApplicableError as reason:
                reasons[part.name] = str(reason)
            else:
                able.append(part)
        if not able:
            raise NotApplicableError("; ".join(f"{name}: {why}" for name, why in reasons.items()))
        return state, tuple(able), reasons

    def _able(
        self, server: Server, client: Client | None
    ) -> tuple[tuple[Mitigation, ...], dict[str, tuple[str, str]]]:
        """The parts that are made there, and where and why the others are not.

        Raises NotApplicableError where none can be made on the server, and as ``on_client`` does.
        """
        _, able, reasons = self._on_server(server.state, server)
        missing = {name: (server.name, why) for name, why in reasons.items()}
        for part in able:
            if client is None:
                break
            try:
                part.on_client(client.policy, client)
            except NotApplicableError as reason:
                if Side.SERVER in part.sides:
                    raise
                missing[part.name] = (client.name, str(reason))
        return tuple(part for part in able if part.name not in missing), missing

    def _on(self, client: Client) -> tuple[Mitigation, ...]:
        """The parts that are made on this client itself."""
        found = []
        for part in self.parts:
            try:
                part.on_client(client.policy, client)
            except NotApplicableError:
                continue
            if part.acts_on(client):
                found.append(part)
        return tuple(found)


def together(findings: Iterable[Finding]) -> Finding:
    """One finding of several: all are in effect, all can be seen, or the configuration alone says all."""
    seen = list(findings)
    alone = bool(seen) and all(finding.by_configuration for finding in seen)
    return Finding(
        all(finding.in_effect for finding in seen),
        "; ".join(finding.evidence for finding in seen),
        visible=all(finding.visible for finding in seen),
        by_configuration=alone,
        wire={what: answer for finding in seen for what, answer in finding.wire.items()} if alone else {},
    )
