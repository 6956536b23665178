"""What a Samba does not know or take of the settings of a change: asked of the real testparm and smbd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from known import CATALOGUE

from harness.errors import LabFault
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.labs.unheeded import ConfCheck, settings, unheeded
from harness.servers.base import Conf
from harness.servers.live import How, LiveServer

Globals = dict[str, str]
OLD = ["samba-4.13", "samba-4.22"]


def told(live: LiveServer, conf: Conf) -> tuple[str, ...]:
    """What testparm of a server's release makes of settings; smbd is not asked."""
    assert isinstance(live, SambaServer)
    return unheeded(live.server.name, settings(Conf(), conf), live._ask, "")


@pytest.mark.local_lab
@pytest.mark.parametrize("name", OLD)
def test_each_kind_of_wrong_setting_is_told_with_the_name_of_its_parameter(
    serve: Callable[[str], LiveServer], name: str
) -> None:
    live = serve(name)
    wrong = {
        "server smb encrypttt = required": f'{name} does not know the parameter "server smb encrypttt"',
        "server signing = mandatori": f'{name} does not take "server signing = mandatori"',
        # testparm does not say of these whose value it is.
        "nt pipe support = perhaps": f'{name} does not take "nt pipe support = perhaps"',
        "aio read size = huge": f'{name} does not take "aio read size = huge"',
        "create mask = 99999": f'{name} does not take "create mask = 99999"',
        # Samba makes 0 of it, and says nothing.
        "restrict anonymous = seven": f'{name} reads "restrict anonymous = seven" as 0',
    }
    for line, wanted in wrong.items():
        parameter, _, value = line.partition(" = ")
        # What is right beside it is not blamed, whichever of the two comes first.
        right = {"max log size": "10M", "map to guest": "Never"}
        (said,) = told(live, Conf({"map to guest": "Never", parameter: value, **right}))
        assert said.startswith(wanted)
    (misplaced,) = told(live, Conf(share={"server signing": "required", "guest ok": "yes"}))
    assert misplaced.startswith('"server signing" belongs into [global]')


@pytest.mark.local_lab
@pytest.mark.parametrize("name", OLD)
def test_what_samba_takes_is_no_fault(serve: Callable[[str], LiveServer], name: str) -> None:
    fine = {
        # Deprecated ones, a share's parameter as the default of all shares, another spelling, and an option
        # that nobody can check.
        "lanman auth": "yes",
        "encrypt passwords": "yes",
        "guest ok": "yes",
        "NT  Pipe Support": "no",
        "max protocol": "SMB3",
        "log level": "auth:5",
        "oplock break wait time": "-1",
        "streams_xattr:prefix": "user.",
    }
    assert told(serve(name), Conf(fine, {"smb encrypt": "required"})) == ()


@pytest.mark.local_lab
def test_a_name_of_another_release_gets_no_wrong_suggestion(serve: Callable[[str], LiveServer]) -> None:
    newer = Conf({"server smb3 encryption algorithms": "AES-256-GCM"})
    (said,) = told(serve("samba-4.13"), newer)
    assert said.startswith(
        'samba-4.13 does not know the parameter "server smb3 encryption algorithms"; testparm'
    )
    assert told(serve("samba-4.22"), newer) == ()
    (said,) = told(serve("samba-4.22"), Conf({"server smb encrypttt": "required"}))
    assert 'did you mean "server smb encrypt"?' in said


@pytest.mark.local_lab
def test_smbd_is_asked_where_testparm_takes_what_it_is_given(lab: LocalLab) -> None:
    """After a reload, too, which reaches smbd a moment after it was asked for."""
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as live:
        base = live.state
        lists = base.conf.with_globals(server_smb3_encryption_algorithms="AES-256-GCM, AES-999")
        live.become(replace(base, conf=lists.with_share(vfs_objects="nonesuch")), How.RELOAD)
        ciphers, module = live.complaints(base)
        assert "Ignoring invalid value 'AES-999' for parameter 'server smb3 encryption algorithms'" in ciphers
        assert module.startswith(
            'samba-4.22 cannot do "vfs objects = nonesuch"; smbd says: Error loading module'
        )
        # What the server's own smb.conf has is no fault of a change.
        assert live.complaints(live.state) == ()
        assert live.complaints(replace(live.state, conf=lists))[0] == module


@pytest.mark.local_lab
def test_a_server_that_does_not_run_with_a_setting(lab: LocalLab) -> None:
    """smbd gives up, and neither it nor testparm says why with the parameter's name."""
    with lab.serve(CATALOGUE.servers["samba-4.22"]) as live:
        base = live.state
        with pytest.raises(LabFault, match="is gone"):
            live.become(replace(base, conf=base.conf.with_globals(passdb_backend="nonsense")), How.RESTART)
        assert live.complaints(base) == ('samba-4.22 does not run with "passdb backend = nonsense"',)


def test_a_testparm_that_is_not_there_is_a_fault() -> None:
    change = settings(Conf(), Conf({"server signing": "mandatory"}))
    with pytest.raises(LabFault, match=r"testparm does not read a smb.conf: not found"):
        unheeded("samba-4.22", change, lambda _: ConfCheck("", "sh: testparm:\nnot found"), "")
