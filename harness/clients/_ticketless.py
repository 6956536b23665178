"""Kerberos tickets in an attempt: the steps that they are, and what it means for a client to get none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from harness.errors import LabFault, Refused
from harness.model import ClientPolicy, Side, Step, StepName
from harness.smb import status as nt_status

if TYPE_CHECKING:
    from harness.clients._ran import Ran
    from harness.clients.base import Log
    from harness.smb.tap.kdc_trace import Tickets

_ITSELF: Final = "the server is the domain's KDC itself, and did not answer as that"
_OPENING: Final = (StepName.CONNECT, StepName.NEGOTIATE)


def note(log: Log, tickets: Tickets) -> None:
    """Put what the KDC was asked where it was asked: behind the server's offer, before the logon."""
    known = {step.name for step in log.steps}
    opening = [place for place, step in enumerate(log.steps) if step.name in _OPENING]
    at = opening[-1] + 1 if opening else 0
    log.steps[at:at] = [step for step in tickets.steps if step.name not in known]


def judge(ran: Ran, policy: ClientPolicy, log: Log) -> None:
    """Raise for a client that did not log on at all for want of a Kerberos ticket.

    Raises Refused for what the KDC or the client itself said, LabFault where the KDC said nothing: but where
    the server is the KDC itself, it is the server that refused the connection.
    """
    begun = {step.name for conversation in ran.traces for step in conversation.steps}
    if StepName.SESSION_SETUP in begun:
        return
    if ran.tickets.unreachable and ran.tickets.of_server and not begun:
        # It came no further than to the server, for the ticket: a change may have stopped that.
        log.steps.append(Step(StepName.CONNECT, ran.tickets.unreachable, 0.0, _ITSELF))
        why = "; ".join(filter(None, (_ITSELF, ran.complaint)))
        raise Refused(ran.tickets.unreachable, detail=why, step=StepName.CONNECT)
    if ran.tickets.unreachable:
        raise no_kdc(ran)
    if refused := ran.tickets.refused:
        why = "; ".join(filter(None, (refused.detail, ran.complaint)))
        raise Refused(refused.status, detail=why, step=refused.name)
    if not policy.ntlm and ran.complaint and ran.result.status is not None:
        found = re.search(r"NT_(STATUS_(?!OK\b)\w+)", ran.complaint)
        status = found[1] if found else nt_status.NO_KERBEROS
        log.steps.append(Step(StepName.SESSION_SETUP, status, 0.0, nt_status.NO_TICKET))
        why = f"{nt_status.NO_TICKET}; {ran.complaint}"
        raise Refused(status, Side.CLIENT, why, StepName.SESSION_SETUP)


def no_kdc(ran: Ran) -> LabFault:
    """The fault that a ticket was not to be had from anybody: the lab owed it."""
    return ran.unproven(f"the domain's KDC did not answer ({ran.tickets.unreachable}); {ran.complaint}")
