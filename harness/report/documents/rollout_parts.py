"""What the JSON document of a staged plan is made of (``harness.report.documents.rollout``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.balance.machines import Fate
from harness.report.documents.part import Part, Words
from harness.rollout.remedies import Help


class RolloutGroupPart(Part):
    """Machines of which the same is known."""

    clients: tuple[Words, ...]
    """The kinds that they may be: one, several that cannot be told apart, or none that is known."""
    machines: int
    sure: bool
    """Something names their kind; false where it merely fits."""


class RolloutFatePart(Part):
    """What has become of a group of the fleet when a stage has ended."""

    clients: tuple[Words, ...]
    machines: int
    fate: Fate
    new: bool
    """On some server it loses something with this stage, or may, and did not before."""


class RolloutFleetPart(Part):
    """Who was weighed."""

    name: Words
    """Empty: there is no fleet, and each client that was asked counts as one machine."""
    machines: int
    last_seen: Words
    groups: tuple[RolloutGroupPart, ...]


class RolloutDuePart(Part):
    """A demand that an exposure is closed by the end of a stage."""

    exposure: Words
    stage: int


class RolloutDemandsPart(Part):
    """What was demanded; the plan keeps all of it."""

    stages: int
    never_lose: tuple[Words, ...]
    close: tuple[RolloutDuePart, ...]
    servers: tuple[Words, ...]
    legacy: Words
    """The server that was to be left as it is; empty for none."""


class RolloutDoingPart(Part):
    """One thing that an administrator does, and undoes."""

    where: Words
    do: tuple[Words, ...]
    undo_where: Words
    undo: tuple[Words, ...]
    language: Words
    """Of the lines: ini, sh, powershell; empty where there are none."""


class RolloutStepPart(Part):
    """What is done on one server in a stage."""

    server: Words
    before: Words
    """The change that is in force when the stage begins; none for none."""
    after: Words
    """The change in force when it has ended: this was measured as a whole."""
    closes: tuple[Words, ...]
    opens: tuple[Words, ...]
    lost: tuple[Words, ...]
    """Cells that are lost with this stage."""
    unsure: tuple[Words, ...]
    """Cells that worked before, and of which nobody knows with this stage."""
    already: bool
    """It was in force before on the server of the rehearsal."""
    rolled_back: bool | None
    """Whether everything was seen to be as before when it was taken back; null where it was not shown."""
    apply: tuple[RolloutDoingPart, ...]
    """Nothing where this version does not know the settings."""
    verify: tuple[Words, ...]
    """Commands for another computer; ADDRESS stands for the server's."""
    notes: tuple[Words, ...]


class RolloutLossPart(Part):
    """Who loses the same, and sees the same."""

    clients: tuple[Words, ...]
    """A client that is not known to be the real thing is marked with ~."""
    machines: Words
    checks: Words
    sees: Words
    why: Words


class RolloutRemedyPart(Part):
    """What a kind of client that loses something on a server needs first."""

    server: Words
    client: Words
    how: Help
    by: tuple[Words, ...]


class RolloutHolesPart(Part):
    """Exposures of one server when a stage has ended."""

    server: Words
    open: tuple[Words, ...]
    unknown: tuple[Words, ...]


class RolloutCountsPart(Part):
    """How many machines have which fate when a stage has ended."""

    lost: int
    perhaps: int
    not_known: int
    not_rehearsed: int
    never: int
    kept: int


class RolloutClientPart(Part):
    """What has become of a client when a stage has ended, on some server at least."""

    client: Words
    fate: Fate


class RolloutStagePart(Part):
    """One stage; without steps there is nothing to do in it."""

    stage: int
    title: Words
    steps: tuple[RolloutStepPart, ...]
    holes: tuple[RolloutHolesPart, ...]
    machines: RolloutCountsPart
    groups: tuple[RolloutFatePart, ...]
    clients: tuple[RolloutClientPart, ...]
    """All that were asked, so that machines that come later can be held against the plan."""
    losses: tuple[RolloutLossPart, ...]
    remedies: tuple[RolloutRemedyPart, ...]


class RolloutLegacyPart(Part):
    """A server for machines that nothing else helps, as it was measured before any change."""

    server: Words
    clients: tuple[Words, ...]
    without: tuple[Words, ...]
    open: tuple[Words, ...]
    planned: bool
    """The plan changes that server: this is a second one, set up as that one is today."""


class RolloutSearchPart(Part):
    """How the order of one server was found."""

    server: Words
    compared: int
    """Orders that keep the demands: none of them is cheaper."""
    states: int
    pairs: int
    """Combinations of two changes that were measured, of all_pairs that there are."""
    all_pairs: int
    open: tuple[Words, ...]
    """Exposures that are open before any change."""
    not_closable: tuple[Words, ...]
    refused: dict[Words, Words]
    cost: dict[Words, int]
    """What is added up and compared, from the first number to the last."""


class RolloutDocument(Part):
    """A staged plan."""

    schema_: Literal[1] = Field(alias="schema")
    run: Words
    lab: Words
    complete: bool
    """Of the run that it was made from."""
    command: Words
    """What makes it again."""
    fleet: RolloutFleetPart
    demands: RolloutDemandsPart
    stages: tuple[RolloutStagePart, ...]
    legacy: RolloutLegacyPart | None
    compared: int
    """Plans that keep the demands: none of them is cheaper."""
    search: tuple[RolloutSearchPart, ...]
    emulated: tuple[Words, ...]
    """Servers and clients that are not known to be the real thing."""
    answer: tuple[Words, ...]
    proof: tuple[Words, ...]
    rest: tuple[Words, ...]
    unknown: tuple[Words, ...]
    """What the plan does not know, in sentences."""
