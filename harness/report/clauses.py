"""What the first screen says of one change on one server: clause by clause, in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.balance.machines import Machines
from harness.model import Effect
from harness.record.parts import taken_by
from harness.report import connected, logons, sights
from harness.report.explain import STYLES, grouped, one_or_many, who, word
from harness.report.labels import Labels
from harness.report.language import Language
from harness.report.machines import losses, rest
from harness.report.verdicts import Verdict, aims_in_words, gravest_first, idle
from harness.result import CellResult, RunResult

LOUD: Final = "bold red"
FEW: Final = 3
"""Names that are given one by one; of more the rest is counted."""
Words = list[str | tuple[str, str]]
"""Text, and text with its style."""


def text_of(words: Words) -> str:
    """The text without styles."""
    return "".join(part if isinstance(part, str) else part[0] for part in words)


@dataclass(frozen=True)
class Clauses:
    """What is to be said of one change on one server."""

    one: Verdict
    result: RunResult
    """The run that it is a verdict of."""
    labels: Labels
    say: Language
    machines: Machines | None = None
    """What it costs the machines of a fleet; None where the run was not for one."""

    def words(self) -> Words:
        """All clauses, one behind the other."""
        clauses = [
            *self._made(),
            *self._on_machines(),
            *self._lost(),
            *self._kept(),
            *self._refused_before(),
            *self.closes(),
            *self._not_made(),
            *self._restored(),
        ]
        return [part for clause in clauses for part in ("; ", *clause)][1:]

    # -- the change itself --------------------------------------------------------------------------

    def _made(self) -> Iterator[Words]:
        """What of a combination was not made, and what was in force before."""
        for text in self._without():
            yield [text]
        if already := self._already():
            yield [already]

    def _without(self, *, clients: bool = False) -> Iterator[str]:
        """The parts of a combination that cannot be made on the server, or on clients.

        The rest is what was measured there.
        """
        server = self.one.balance.server
        left_out = self.result.left_out_of(self.one.balance.mitigation, server)
        found = [one for one in left_out if (one.subject != server) is clients]
        for (part, reason), those in grouped(found, lambda one: (one.part, one.reason)).items():
            names = self._few([each.subject for each in those])
            on = self.say("screen.without_on", clients=names) if clients else ""
            yield self.say("screen.without", part=part, on=on, reason=reason)

    def _not_made(self) -> Iterator[Words]:
        """The clients that the change, or a part of it, cannot be made on: nothing was asked of these."""
        for text in self._without(clients=True):
            yield [text]
        change, say = self.one.balance.mitigation, self.say
        those = [
            one
            for one in self.result.not_applicable
            if one.mitigation == change and not self.labels.is_server(one.subject)
        ]
        reasons = grouped(those, lambda one: one.reason)
        if len(reasons) > FEW:
            yield [say("screen.not_made_few", clients=self._few([one.subject for one in those]))]
        elif reasons:
            names = (
                say("screen.sees_at", clients=self._few([one.subject for one in found]), checks=reason)
                for reason, found in reasons.items()
            )
            yield [say("screen.not_made", clients=", ".join(names))]

    def _already(self) -> str:
        """What was in force before, so that nobody can see that it was made; "" where nothing was."""
        pair = (self.one.balance.mitigation, self.one.balance.server)
        if self.result.changes_nothing(*pair):
            return self.say("screen.already_all")
        if self.result.unnoticed(*pair):
            return self.say("screen.unnoticed_probed" if self.one.balance.holes else "screen.unnoticed")
        proofs = [proof for proof in self.result.applied if (proof.mitigation, proof.server) == pair]
        names = dict.fromkeys(already.what for proof in proofs for already in proof.already)
        if not names:
            return ""
        if list(names) == [pair[0]]:
            return self.say("screen.not_proven")
        return self.say("screen.already", names=", ".join(names))

    # -- whom it costs what -------------------------------------------------------------------------

    def _on_machines(self) -> Iterator[Words]:
        if self.machines:
            for text in losses(self.machines, self.say, self.labels.client):
                yield [(text, STYLES[Effect.LOST])]
            for text in rest(self.machines.whole, self.say, self.labels.client):
                yield [(text, "yellow")]

    def _lost(self) -> Iterator[Words]:
        """Who loses what, what they see, and which part of a combination takes it."""
        one, say = self.one, self.say
        if one.shut_out:
            key = f"screen.shut_out_{one_or_many(len(one.shut_out))}"
            yield [(say(key, clients=self._all(one.shut_out)), STYLES[Effect.LOST])]
        for checks, clients in one.lose_some.items():
            lose = say(
                f"screen.lose_{one_or_many(len(clients))}",
                clients=self._all(clients),
                checks=", ".join(checks),
                keeping=self._keeping(clients),
            )
            yield [(lose, STYLES[Effect.LOST])]
        for text in sights.told(self.one.lost, self._few, say):
            yield [text]
        for text in self._takes():
            yield [text]

    def _keeping(self, clients: Sequence[str]) -> str:
        """What those keep who lose something else; "" where it is not the same for all of them."""
        kept = {
            tuple(c.cell.check for c in self.one.cells if c.cell.client == client and c.effect is Effect.KEPT)
            for client in clients
        }
        own = [c for c in self.one.cells if c.cell.client in clients and not c.unsupported]
        if all(cell.effect is Effect.LOST for cell in own):
            return self.say("screen.nothing_else")
        if len(kept) != 1 or not (checks := kept.pop()):
            return ""
        return self.say(f"screen.keeping_{one_or_many(len(clients))}", checks=", ".join(checks))

    def _takes(self) -> Iterator[str]:
        """Which part of a combination takes whom; nothing for a single change."""
        one, say = self.one, self.say
        if len(one.balance.parts) < 2:
            return
        groups = grouped(one.lost, lambda cell: taken_by(cell.parts))
        for subject, cells in groups.items():
            how, parts = subject
            if len(groups) == 1:
                whom = say("screen.it" if len({cell.cell.client for cell in cells}) == 1 else "screen.them")
            else:
                whom = say("screen.named", names=self._named(cells, subject))
            yield say(f"screen.part_{how}", parts=self._and(parts), whom=whom)

    def _named(self, cells: Sequence[CellResult], subject: tuple[str, tuple[str, ...]]) -> str:
        """The clients that a part takes; with the checks where one loses its checks to different parts."""
        clients = dict.fromkeys(cell.cell.client for cell in cells)
        split = any(cell.cell.client in clients and taken_by(cell.parts) != subject for cell in self.one.lost)
        return who(cells, self.labels.client) if split else self._all(list(clients))

    # -- who keeps access, and who had none ---------------------------------------------------------

    def _kept(self) -> Iterator[Words]:
        one, say = self.one, self.say
        if stay := list(connected.told(one.cells, lambda names: self._few(list(names)), say)):
            yield [f"{say('screen.connected')}: {'; '.join(stay)}"]
        if one.keep:
            yield [(self._who_keeps(), STYLES[Effect.KEPT])]
        for text in logons.otherwise(one.cells, say, self._few, "screen"):
            yield [(text, "yellow")]
        if one.unsettled:
            text = say("screen.not_settled", clients=self._few(one.unsettled))
            yield [(text, STYLES[Effect.NOT_SETTLED])]
        for checks, clients in self._with(Effect.GAINED).items():
            key = f"screen.gain_{one_or_many(len(clients))}"
            gain = say(key, clients=self._few(clients), checks=", ".join(checks))
            yield [(gain, STYLES[Effect.GAINED])]

    def _who_keeps(self) -> str:
        one = self.one
        if len(one.keep) == 1:
            return self.say("screen.keep_one", client=self.labels.client(one.keep[0]))
        if len(one.keep) <= FEW + 1:
            return self.say("screen.keep_named", clients=self._all(one.keep))
        others = one.shut_out or one.lose_some
        return self.say("screen.keep_others" if others else "screen.keep_many", n=len(one.keep))

    def _refused_before(self) -> Iterator[Words]:
        """Who had no access before either, with what a laxer server shows of them; and what are faults."""
        one, say = self.one, self.say
        fact = self.result.servers.get(one.balance.server)
        laxer = fact.laxer if fact else ""
        for effect, refused in one.never_but.items():
            there = ""
            if effect is not None:
                there = say("screen.laxer_shows", effect=word(effect, say), server=laxer)
            elif laxer:
                there = say("screen.laxer_unasked", server=laxer)
            yield [say("screen.refused_before", clients=self._few(refused), there=there)]
        # Who keeps or gains one thing may have been refused another all the time.
        for checks, clients in self._with(Effect.NEVER, but=one.never).items():
            names = say("screen.sees_at", clients=self._few(clients), checks=", ".join(checks))
            yield [say("screen.refused_before", clients=names, there="")]
        if one.faults:
            yield [(say("screen.faults", n=one.faults), STYLES[Effect.FAULT])]

    # -- the holes, and the way back ----------------------------------------------------------------

    def closes(self) -> Iterator[Words]:
        """What became of the holes, a clause each."""
        balance, say = self.one.balance, self.say
        if not balance.holes:
            yield [say("screen.not_probed")]
            return
        if not balance.looked:
            yield [(say("screen.holes_unknown"), STYLES[Effect.FAULT])]
            return
        closed = gravest_first(balance.closed, self.result)
        # What it is made for and was closed before is worth a word only where it closes nothing else.
        aimed = (aim for aim in self.one.aims if not (closed and idle(aim)))
        aims = aims_in_words(aimed, say, because=True)
        for text in aims:
            yield [text]
        if closed and not balance.still_open:
            yield [(say("screen.closes_outage" if balance.outage else "screen.closes_every"), "green")]
        elif closed:
            more = say("screen.more_holes", n=len(closed) - FEW)
            names = ", ".join(closed if len(closed) <= FEW + 1 else (*closed[:FEW], more))
            closes = say("screen.closes", n=len(closed), all=len(balance.open_before), names=names)
            yield [(closes, "green")]
        elif balance.open_before:
            nothing = "closes_nothing_else" if aims else "closes_none"
            there = not aims and self.result.on_clients(balance.mitigation)
            yield [say("screen.closes_none_there" if there else f"screen.{nothing}")]
        else:
            yield [say("screen.none_open")]
        if balance.opened:
            names = ", ".join(gravest_first(balance.opened, self.result))
            yield [(say("screen.opens", names=names), LOUD)]

    def _restored(self) -> Iterator[Words]:
        """Only what the summary does not say of all."""
        if self.one.balance.rolled_back is False:
            yield [(self.say("screen.not_restored"), LOUD)]
        elif not self.one.balance.rolled_back:
            yield [(self.say("screen.not_shown"), "yellow")]

    # -- names --------------------------------------------------------------------------------------

    def _all(self, clients: Iterable[str]) -> str:
        return ", ".join(map(self.labels.client, clients))

    def _with(self, effect: Effect, but: Sequence[str] = ()) -> Mapping[tuple[str, ...], list[str]]:
        """Of the cells with an effect the checks, and the clients of which just these have it."""
        found = [cell.cell for cell in self.one.cells if cell.effect is effect and not cell.unsupported]
        by_client = grouped((cell for cell in found if cell.client not in but), lambda cell: cell.client)
        return grouped(by_client, lambda client: tuple(cell.check for cell in by_client[client]))

    def _few(self, clients: Sequence[str]) -> str:
        if len(clients) <= FEW + 1:
            return self._all(clients)
        return self.say("screen.few", names=self._all(clients[:FEW]), n=len(clients) - FEW)

    def _and(self, names: Sequence[str]) -> str:
        """``a``; ``a, b and c``; "" for none."""
        if len(names) < 2:
            return "".join(names)
        return self.say("screen.and", first=", ".join(names[:-1]), last=names[-1])
