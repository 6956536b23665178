"""What a WinRM endpoint says before anybody logs on, and what its faults mean."""

from __future__ import annotations

import http.client
import re
import ssl

from harness.errors import LabFault
from harness.model import GuestRoute

TLS_PORT = 5986
"""WinRM over HTTPS; 5985 is HTTP (Microsoft, "Installation and configuration for WinRM")."""

_MORE = "restart the service WinRM in the guest, or raise it there: winrm set winrm/config/"
# wsmerror.h of the Windows SDK; 0x80070005 is ERROR_ACCESS_DENIED as an HRESULT.
_FAULTS = {
    0x8033805B: ("the shell is gone: it timed out, or the guest was put back in time", "try again"),
    0x803381A5: ("its quota of shells a user is used up", _MORE + "winrs '@{MaxShellsPerUser=\"100\"}'"),
    0x803381A6: (
        "its quota of operations a user is used up",
        _MORE + "service '@{MaxConcurrentOperationsPerUser=\"1500\"}'",
    ),
    0x803381A7: ("a quota of this user is used up", "restart the service WinRM in the guest"),
    0x803381A8: ("a quota of the whole guest is used up", "restart the service WinRM in the guest"),
    0x803381AB: (
        "its quota of users with shells is used up",
        _MORE + "winrs '@{MaxConcurrentUsers=\"100\"}'",
    ),
    0x80070005: (
        "the account is no administrator there, or its token is filtered",
        "in the guest: set LocalAccountTokenFilterPolicy to 1",
    ),
}
_QUOTA = re.compile(r"quota|maximum number|maximum.{0,20}(shells|processes|memory)|exceeded", re.IGNORECASE)


def offered(route: GuestRoute, seconds: float) -> tuple[str, ...]:
    """The ways to log on that an endpoint names in its 401, e.g. ("Negotiate", "Basic").

    Raises LabFault that tells a closed port, silence, something that is no HTTP, and HTTP that is no WinRM
    apart.
    """
    where = f"{route.name} ({route.address} port {route.port})"
    connection = _connection(route, seconds)
    try:
        connection.connect()
    except ConnectionRefusedError as error:
        raise LabFault(
            f"{where}: nothing listens there", "is the guest up, and its service WinRM?"
        ) from error
    except TimeoutError as error:
        raise LabFault(f"{where}: no answer to TCP within {seconds:.0f} s", "is the guest up?") from error
    except OSError as error:
        raise LabFault(f"{where}: {error.strerror or error}", "is the guest up?") from error
    try:
        # An empty request without credentials: the endpoint answers 401 with the ways to log on.
        connection.request("POST", "/wsman", headers={"Content-Length": "0"})
        answer = connection.getresponse()
        answer.read()
    except TimeoutError as error:
        raise LabFault(
            f"{where}: TCP connects but no HTTP answer comes within {seconds:.0f} s",
            "the guest still boots, or its service WinRM hangs: restart it",
        ) from error
    except (http.client.HTTPException, OSError) as error:
        raise LabFault(
            f"{where}: what answers there is no HTTP ({type(error).__name__})",
            "is another service on that port? SSH guests are reached by SSH",
        ) from error
    finally:
        connection.close()
    if answer.status == 401:
        return tuple(word.split()[0] for word in _ways(answer) if word.split())
    if answer.status == 404:
        raise LabFault(f"{where}: HTTP, but no WinRM (404)", "in the guest: winrm quickconfig")
    raise LabFault(f"{where}: HTTP {answer.status} to a request without a user, not 401", "is it WinRM?")


def fault(where: str, code: int | str | None, reason: str) -> LabFault:
    """A WSManFault of the guest as one line with what to do; ``code`` is a word where it has no number."""
    told, mend = _FAULTS.get(code, ("", "")) if isinstance(code, int) else ("", "")
    said, number = (" ".join(str(text).split())[:200] for text in (reason, code))
    if not told and _QUOTA.search(said):
        told, mend = "a quota of its is used up", "restart the service WinRM in the guest"
    return LabFault(f"{where}: WinRM says: {told + ': ' if told else ''}{said} (fault {number})", mend)


def _ways(answer: http.client.HTTPResponse) -> list[str]:
    headers = answer.headers.get_all("WWW-Authenticate") or []
    return [word.strip() for header in headers for word in header.split(",")]


def _connection(route: GuestRoute, seconds: float) -> http.client.HTTPConnection:
    if route.port == TLS_PORT:
        unchecked = ssl.create_default_context()
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(route.address, route.port, timeout=seconds, context=unchecked)
    return http.client.HTTPConnection(route.address, route.port, timeout=seconds)
