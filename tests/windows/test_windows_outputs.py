"""Parsers of what Windows prints: the documented samples, other languages, and anything at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.model import Dialect
from harness.windows import outputs

# The shape of Microsoft's page on Get-SmbServerConfiguration.
CONFIGURATION = """\

AnnounceComment                        :
AnnounceServer                         : False
EnableSMB1Protocol                     : False
EnableSMB2Protocol                     : True
EncryptionCiphers                      : AES_128_GCM, AES_128_CCM, AES_256_GCM,
                                         AES_256_CCM
NullSessionPipes                       :
RequireSecuritySignature               : True

"""
QUERY = """
SERVICE_NAME: mrxsmb10
        TYPE               : 2  FILE_SYSTEM_DRIVER
        STATE              : 4  RUNNING
                                (STOPPABLE, NOT_PAUSABLE, IGNORES_SHUTDOWN)
        WIN32_EXIT_CODE    : 0  (0x0)
"""
CONFIG = """[SC] QueryServiceConfig SUCCESS

SERVICE_NAME: lanmanworkstation
        TYPE               : 20  WIN32_SHARE_PROCESS
        START_TYPE         : 2   AUTO_START
        ERROR_CONTROL      : 1   NORMAL
        BINARY_PATH_NAME   : C:\\Windows\\System32\\svchost.exe -k NetworkService
        LOAD_ORDER_GROUP   : NetworkProvider
        TAG                : 0
        DISPLAY_NAME       : Workstation
        DEPENDENCIES       : Bowser
                           : MRxSmb10
                           : MRxSmb20
                           : NSI
        SERVICE_START_NAME : NT AUTHORITY\\NetworkService
"""
ABSENT = (
    "[SC] EnumQueryServicesStatus:OpenService FEHLER 1060:\n\nDer angegebene Dienst ist nicht installiert.\n"
)
REG = """
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters
    ServiceDll    REG_EXPAND_SZ    %SystemRoot%\\system32\\srvsvc.dll
    NullSessionPipes    REG_MULTI_SZ    a\\0b
    SMB1    REG_DWORD    0x0
    RequireSecuritySignature    REG_DWORD    0x1
    Guid    REG_BINARY    7E0F
    (Default)    REG_SZ
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters\\FsctlAllowlist
"""


def test_a_list_of_a_cmdlet() -> None:
    (found,) = outputs.format_list(CONFIGURATION)
    assert found["EnableSMB1Protocol"] == "False"
    assert found["AnnounceComment"] == found["NullSessionPipes"] == ""
    assert found["EncryptionCiphers"] == "AES_128_GCM, AES_128_CCM, AES_256_GCM, AES_256_CCM"
    assert outputs.switch(found, "RequireSecuritySignature") is True
    assert outputs.switch(found, "EnableSMB1Protocol") is False
    assert outputs.switch(found, "Smb2DialectMin") is None


def test_several_objects_of_a_list() -> None:
    text = "FeatureName : SMB1Protocol\nState       : Enabled\n\n\nFeatureName : X\nState : Disabled\n"
    assert [one["State"] for one in outputs.format_list(text)] == ["Enabled", "Disabled"]


def test_services() -> None:
    running = outputs.service(QUERY, CONFIG)
    assert running == outputs.ServiceState(True, True, "auto", ("Bowser", "MRxSmb10", "MRxSmb20", "NSI"))
    assert outputs.service(QUERY.replace("4  RUNNING", "1  STOPPED"), None) == outputs.ServiceState(
        True, False
    )
    assert outputs.service(ABSENT, ABSENT) == outputs.ServiceState(False)
    assert outputs.service(None, None) is None
    assert outputs.service("nonsense", "") is None
    nothing = (
        CONFIG.replace("Bowser", "").replace(": MRxSmb10", "").replace(": MRxSmb20", "").replace(": NSI", "")
    )
    alone = outputs.service(None, nothing)
    assert alone is not None
    assert alone.depends == ()


def test_the_registry() -> None:
    found = outputs.registry(REG)
    assert found == {
        "ServiceDll": "%SystemRoot%\\system32\\srvsvc.dll",
        "NullSessionPipes": ("a", "b"),
        "SMB1": 0,
        "RequireSecuritySignature": 1,
        "Guid": "7E0F",
        "(Default)": "",
    }
    assert outputs.registry(None) == {}


def test_dialects() -> None:
    assert outputs.dialect("3.1.1") is Dialect.SMB3_11
    assert outputs.dialect("3.02") is Dialect.SMB3_02
    assert outputs.dialect("1.5") is Dialect.NT1
    assert outputs.dialect("4.0") is None


CONNECTION = """\

SmbInstance           : Default
ContinuouslyAvailable : False
Credential            : PC-user
Dialect               : 3.1.1
Encrypted             : False
NumOpens              : 1
Redirected            : False
ServerName            : 192.168.1.9
ShareName             : share
Signed                : True
UserName              : PC-user
PSComputerName        :
"""
FEATURES = """\

FeatureName      : SMB1Protocol
DisplayName      : SMB 1.0/CIFS File Sharing Support
RestartRequired  : Possible
State            : Enabled

FeatureName      : SMB1Protocol-Client
State            : Disabled

"""
EVENT = """Failed to establish a network connection.

Error: {Device Timeout}
The specified I/O operation on %hs was not completed before the time-out period expired.

Server name: 192.168.1.9
Server address: 192.168.1.9:445
Guidance:
This indicates a problem with the underlying network
"""


def test_a_connection() -> None:
    (seen,) = outputs.format_list(CONNECTION)
    assert outputs.dialect(seen["Dialect"]) is Dialect.SMB3_11
    assert outputs.switch(seen, "Signed") is True
    assert outputs.switch(seen, "Encrypted") is False
    assert outputs.switch(seen, "PSComputerName") is None


def test_features() -> None:
    assert outputs.features(FEATURES) == {"SMB1Protocol": "Enabled", "SMB1Protocol-Client": "Disabled"}


def test_the_text_of_an_event() -> None:
    assert outputs.event_fields(EVENT) == {
        "Error": "{Device Timeout}",
        "Server name": "192.168.1.9",
        "Server address": "192.168.1.9:445",
    }


@given(st.text())
def test_no_parser_ever_raises(text: str) -> None:
    outputs.format_list(text)
    outputs.service(text, text)
    outputs.registry(text)
    outputs.dialect(text)
    outputs.version(text)
    outputs.features(text)
    outputs.event_fields(text)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), max_size=20)


@given(st.lists(st.dictionaries(NAMES, VALUES, min_size=1), max_size=4))
def test_what_is_written_as_a_list_is_read_again(things: list[dict[str, str]]) -> None:
    text = "\n\n".join("\n".join(f"{name:<30} : {value}" for name, value in one.items()) for one in things)
    assert outputs.format_list(text) == things


@given(st.dictionaries(NAMES, st.integers(0, 2**32 - 1)))
def test_numbers_of_the_registry_are_read_again(values: dict[str, int]) -> None:
    lines = "".join(f"    {name}    REG_DWORD    0x{value:x}\r\n" for name, value in values.items())
    assert outputs.registry("\r\nHKEY_LOCAL_MACHINE\\X\r\n" + lines) == values


def test_versions() -> None:
    assert outputs.version("6.1.7601.23689 (win7sp1_ldr.170209-0600)") == (6, 1, 7601, 23689)
    assert outputs.version("10.0.20348") is None


@given(st.tuples(*[st.integers(0, 65535)] * 4), st.text())
def test_versions_are_read_again(parts: tuple[int, int, int, int], rest: str) -> None:
    assert outputs.version(".".join(map(str, parts)) + " " + rest) == parts
