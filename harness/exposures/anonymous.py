"""What somebody without a name is let do: IPC$, the share list, the user list, pipes. One session for all."""

from __future__ import annotations

from harness.exposures._strangers import Anonymous
from harness.exposures.base import Exposure, Subject, by_answer, closed, first_of, opened, unknown
from harness.model import Sighting

_SESSION = "an anonymous logon (no name, no password), a TREE_CONNECT of IPC$"


class WithoutName(Exposure):
    """Something that needs an anonymous session on IPC$."""

    safe = (
        "only reads what the server offers to anybody; one session for all anonymous probes, closed at once"
    )

    def probe(self, subject: Subject) -> Sighting:
        seen = subject.look.anonymous
        for what, said in (("an anonymous logon", seen.logon), ("IPC$ for nobody", seen.ipc)):
            if not said.ok:
                return by_answer(said, what)
        return self.inside(seen)

    def inside(self, seen: Anonymous) -> Sighting:
        """What is decided on IPC$."""
        raise NotImplementedError


class AnonymousIpc(WithoutName):
    name = "anonymous-ipc"
    title = "anybody gets a session on IPC$ without a name"
    sends = _SESSION
    source = "smb.conf(5), restrict anonymous; Windows RestrictNullSessAccess"

    def inside(self, seen: Anonymous) -> Sighting:
        return opened(f"an anonymous logon: {seen.logon.text}; IPC$: {seen.ipc.text}")


class AnonymousShares(WithoutName):
    name = "anonymous-shares"
    title = "anybody can list the shares without a name"
    sends = f"{_SESSION}, and srvsvc NetrShareEnum"
    source = "[MS-SRVS] 3.1.4.8; smb.conf(5), restrict anonymous"

    def inside(self, seen: Anonymous) -> Sighting:
        if seen.shares.ok:
            names = [share.name for share in seen.shares.value or []]
            return opened(f"shares that srvsvc lists to nobody: {first_of(names)}")
        return by_answer(seen.shares, "listing the shares over srvsvc")


class AnonymousUsers(WithoutName):
    name = "anonymous-users"
    title = "anybody can list the users without a name"
    sends = f"{_SESSION}, and SAMR: EnumerateDomains, LookupDomain, OpenDomain, EnumerateUsers, all read only"
    source = "[MS-SAMR] 3.1.5.2.5; Windows RestrictAnonymousSAM"

    def inside(self, seen: Anonymous) -> Sighting:
        if seen.users.ok:
            # How many is the finding; the names are nobody's business in a report.
            return opened(f"accounts that SAMR lists to nobody: {len(seen.users.value or [])}")
        return by_answer(seen.users, "listing the users over samr")


class UnauthenticatedPipes(WithoutName):
    name = "unauthenticated-pipes"
    title = "named pipes open without authentication"
    sends = f"{_SESSION}, and a CREATE of srvsvc, samr, lsarpc, wkssvc, netlogon and spoolss"
    source = "smb.conf(5), nt pipe support; Windows NullSessionPipes"

    def inside(self, seen: Anonymous) -> Sighting:
        open_ = [name for name, said in seen.pipes.items() if said.ok]
        if open_:
            return opened(f"open to nobody: {', '.join(open_)}")
        text = ", ".join(f"{name} {said.status}" for name, said in seen.pipes.items())
        if all(said.refused for said in seen.pipes.values()):
            return closed(text)
        return unknown(text)


EXPOSURES = (AnonymousIpc(), AnonymousShares(), AnonymousUsers(), UnauthenticatedPipes())
