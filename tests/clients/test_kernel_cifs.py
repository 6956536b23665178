"""What the kernel's SMB client is said to have done: read from reports that a guest really sent (Linux 6.1).

No guest runs here; tests/labs/vagrant has the real thing.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known import CATALOGUE

from harness.clients._kernel_judge import judge
from harness.clients._kernel_log import Report, Ticket, facts, kernel_log, read, tickets, trace
from harness.clients.base import Log, attempt
from harness.errors import LabFault
from harness.model import STATUS_OK, Attempt, Check, Outcome, Side, Step, StepName, Target
from harness.smb.attempting import record
from harness.smb.tap.kdc_trace import Tickets

REPORTS = Path(__file__).parent / "kernel_reports"
NOBODY = Tickets()
CONTENT = "rehearsal-0123456789ab.txt"


def judged(name: str, check: str = "open", asked: Tickets = NOBODY, content: str = CONTENT) -> Attempt:
    report = read((REPORTS / f"{name}.txt").read_text())
    return record("kernel", lambda log: judge(report, check, content, log, asked))


@pytest.mark.parametrize(
    ("name", "dialect"), [("smb1-write", "NT LM 0.12"), ("smb311-write", "3.1.1"), ("smb30-encrypted", "3.0")]
)
def test_what_went_well(name: str, dialect: str) -> None:
    made = judged(name, "write")
    assert made.outcome is Outcome.OK, made.note
    assert made.dialect == dialect
    assert [step.name for step in made.steps] == [
        StepName.CONNECT,
        StepName.NEGOTIATE,
        StepName.SESSION_SETUP,
        StepName.TREE_CONNECT_IPC,
        StepName.TREE_CONNECT,
        StepName.LIST,
        StepName.CREATE,
        StepName.WRITE,
        StepName.READ,
        StepName.DELETE,
    ]


def test_signed_and_encrypted_are_the_kernels_own_words() -> None:
    assert (judged("smb21-signed").signed, judged("smb21-signed").encrypted) == (True, False)
    assert judged("smb30-encrypted").encrypted is True
    assert judged("smb311-write").signed is False


REFUSED = {
    # report: check, step, status, side
    "smb1-refused": ("open", "negotiate", "NO_DIALECT", Side.SERVER),
    "smb21-refused": ("open", "negotiate", "STATUS_NOT_SUPPORTED", Side.SERVER),
    "smb1-bad-password": ("open", "session-setup", "STATUS_LOGON_FAILURE", Side.SERVER),
    "smb30-bad-password": ("open", "session-setup", "STATUS_LOGON_FAILURE", Side.SERVER),
    "smb21-encryption-required": ("open", "session-setup", "STATUS_ACCESS_DENIED", Side.SERVER),
    "smb1-no-share": ("open", "tree-connect", "STATUS_BAD_NETWORK_NAME", Side.SERVER),
    "smb311-no-share": ("open", "tree-connect", "STATUS_BAD_NETWORK_NAME", Side.SERVER),
    "smb1-read-only": ("write", "create", "STATUS_ACCESS_DENIED", Side.SERVER),
    "smb30-read-only": ("write", "create", "STATUS_ACCESS_DENIED", Side.SERVER),
    "server-down": ("open", "connect", "RESET", Side.SERVER),
    "smb1-client-wants-signing": ("open", "negotiate", "STATUS_INVALID_SIGNATURE", Side.CLIENT),
    "smb1-seal": ("open", "tree-connect", "STATUS_NOT_SUPPORTED", Side.CLIENT),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_was_refused_where_and_by_whom(name: str) -> None:
    check, step, status, side = REFUSED[name]
    made = judged(name, check)
    assert made.outcome is Outcome.REFUSED, made.note
    assert (made.step, made.status, made.side) == (step, status, side)


FIRST = Step(StepName.KERBEROS_AS, STATUS_OK, 65.0, "alice: AES-256, by the user's password")
FOR_IT = Step(StepName.KERBEROS_TGS, STATUS_OK, 15.0, "cifs/files417.lab.test: AES-256")


def test_with_a_ticket_its_steps_stand_before_the_logon() -> None:
    content = re.search(r"rehearsal-\w+\.txt", (REPORTS / "krb5-write.txt").read_text())
    assert content
    made = judged("krb5-write", "write", Tickets((FIRST, FOR_IT)), content[0])
    assert made.outcome is Outcome.OK, made.note
    assert (made.auth, made.dialect) == ("Kerberos (AES-256)", "3.1.1")
    assert [step.name for step in made.steps][:5] == [
        StepName.CONNECT,
        StepName.NEGOTIATE,
        StepName.KERBEROS_AS,
        StepName.KERBEROS_TGS,
        StepName.SESSION_SETUP,
    ]


def test_without_a_ticket_the_kdcs_answer_is_the_refusal() -> None:
    unknown = Step(StepName.KERBEROS_TGS, "KDC_ERR_S_PRINCIPAL_UNKNOWN", 8.0, "cifs/192.168.59.30")
    made = judged("krb5-by-address", "open", Tickets((FIRST, unknown)))
    assert made.outcome is Outcome.REFUSED, made.note
    assert (made.step, made.status) == (StepName.KERBEROS_TGS, "KDC_ERR_S_PRINCIPAL_UNKNOWN")
    assert made.said == "mount error(126): Required key not available"


def test_a_kdc_that_is_gone_is_a_fault_of_the_lab() -> None:
    gone = Step(StepName.KERBEROS_AS, "RESET", 0.1)
    made = judged("krb5-by-address", "open", Tickets((gone,), "RESET"))
    assert made.outcome is Outcome.FAULT
    assert "the domain's KDC did not answer (RESET)" in made.note


def test_a_key_that_is_missing_for_no_reason_of_the_kdcs_is_a_fault() -> None:
    made = judged("krb5-by-address", "open", Tickets((FIRST, FOR_IT)))
    assert made.outcome is Outcome.FAULT
    assert "Required key not available" in made.note


def test_ntlm_that_is_off_in_the_domain_is_told_by_its_status() -> None:
    made = judged("ntlm-blocked")
    assert (made.step, made.status) == (StepName.SESSION_SETUP, "STATUS_NTLM_BLOCKED")


def test_tickets_are_read_with_their_types_also_where_klist_warns_of_one() -> None:
    text = (
        "Valid starting     Expires            Service principal\n"
        "11/30/26 11:45:28  11/30/26 21:45:28  krbtgt/LAB.TEST@LAB.TEST\n"
        "\trenew until 12/01/26 11:45:27, Etype (skey, tkt): aes256-cts-hmac-sha1-96, "
        "DEPRECATED:arcfour-hmac \n"
    )
    assert list(tickets(text)) == [Ticket("krbtgt/LAB.TEST", "aes256-cts-hmac-sha1-96", "arcfour-hmac")]


def test_every_report_is_judged_in_a_test() -> None:
    seen = {*REFUSED, "smb1-write", "smb311-write", "smb30-encrypted", "smb21-signed"}
    seen |= {"krb5-write", "krb5-by-address", "ntlm-blocked"}
    assert {path.stem for path in REPORTS.glob("*.txt")} == seen | {"smb21-seal", "smb30-seal-impossible"}


@pytest.mark.parametrize("name", ["smb21-seal", "smb30-seal-impossible"])
def test_encryption_that_cannot_be_had_is_the_clients_own_refusal(name: str) -> None:
    assert judged(name).side is Side.CLIENT


def test_a_failure_without_a_reason_is_a_fault() -> None:
    """The exit status alone is no evidence of a refusal."""
    text = (REPORTS / "smb311-write.txt").read_text()
    lost = text.replace("@@ list 0", "@@ list 2").replace("cmd=14", "cmd=99")
    assert judged_text(lost).outcome is Outcome.FAULT
    wrong = text.replace(f"@@ read 0\n{CONTENT}", "@@ read 0\nsomething else")
    assert wrong != text
    assert judged_text(wrong, "write").outcome is Outcome.FAULT
    empty = text.replace("welcome.txt", "")
    assert judged_text(empty).outcome is Outcome.FAULT


def test_an_errno_alone_is_a_refusal_of_nobody() -> None:
    """The kernel log holds lines back; and a guest without a network was refused by no server."""
    text = (REPORTS / "smb1-bad-password.txt").read_text()
    lost = "".join(line for line in text.splitlines(True) if "NT_STATUS_LOGON_FAILURE" not in line)
    made = judged_text(lost)
    assert made.outcome is Outcome.FAULT, made.status
    assert "session-setup failed with errno 13" in made.note
    down = (REPORTS / "server-down.txt").read_text()
    assert "rc=-111" in down
    made = judged_text(down.replace("rc=-111", "rc=-101"))
    assert made.outcome is Outcome.FAULT, made.status
    assert "connect failed with errno 101" in made.note


@pytest.mark.parametrize(
    ("tainted", "outcome"), [("0", "ok"), ("512", "ok"), ("128", "fault"), ("4736", "fault"), ("", "ok")]
)
def test_what_a_kernel_says_after_an_oops_is_not_believed(tainted: str, outcome: str) -> None:
    """512 is a warning, which harms nothing; 128 an oops (Documentation/admin-guide/tainted-kernels.rst)."""
    text = (REPORTS / "smb311-write.txt").read_text()
    made = judged_text(text.replace("@@ done", f"@@ tainted {tainted}\n@@ done"), "write")
    assert made.outcome == outcome
    assert ("has failed (an oops)" in made.note) is (outcome == "fault")


def test_its_ports_are_those_that_were_not_there_before() -> None:
    text = (REPORTS / "smb311-write.txt").read_text()
    assert read(text).ports == ()
    told = text.replace("@@ done", "@@ before A001 01BE\n@@ ports A001 9C40 zzzz 9C41\n@@ done")
    assert read(told).ports == (0x9C40, 0x9C41)


@pytest.mark.parametrize("phase", ["mount", "list"])
def test_a_program_that_was_ended_is_a_refusal_of_nobody(phase: str) -> None:
    text = (REPORTS / "smb311-write.txt").read_text()
    made = judged_text(text.replace(f"@@ {phase} 0", f"@@ {phase} 124"))
    assert made.outcome is Outcome.FAULT, made.status
    assert f"{phase} did not end in time" in made.note


def judged_text(text: str, check: str = "open") -> Attempt:
    return record("kernel", lambda log: judge(read(text), check, CONTENT, log))


@given(st.data())
def test_a_report_that_was_cut_off_is_refused_whole(data: st.DataObject) -> None:
    text = (REPORTS / "smb21-refused.txt").read_text()
    cut = data.draw(st.integers(0, len(text) - len("@@ done\n")))
    with pytest.raises(ValueError, match="not whole"):
        read(text[:cut])


@given(st.text())
def test_the_parsers_take_anything(text: str) -> None:
    for one in (*trace(text), *kernel_log(text)):
        assert one.at >= 0
    assert facts(text).dialect is None or facts(text).dialect is not None


@given(st.lists(st.sampled_from((REPORTS / "smb1-write.txt").read_text().splitlines()), max_size=80))
def test_lines_in_any_order_end_in_an_outcome(lines: list[str]) -> None:
    """A kernel log that lost lines must not become a crash; what it does not show is a fault."""
    report = Report("6.1", {"mount": 32}, {"mount": ""}, tuple(kernel_log("\n".join(lines))), "", facts(""))
    made = record("kernel", lambda log: judge(report, "open", CONTENT, log))
    assert made.outcome in (Outcome.REFUSED, Outcome.FAULT)
    assert "crashed" not in made.note


def test_a_lab_without_the_guest_is_a_fault_that_names_it() -> None:
    client = CATALOGUE.clients["linux-cifs-kernel-3.1.1"]
    made = attempt(client, Check.OPEN, Target("127.0.0.1", "share", "rehearse", ""), client.policy)
    assert made.outcome is Outcome.FAULT
    assert "kernel-client" in made.note


def test_the_name_says_which_dialects_it_has() -> None:
    log = Log()
    with pytest.raises(LabFault):
        CATALOGUE.clients["linux-cifs-kernel-1.0"].perform(
            Check.OPEN,
            Target("127.0.0.1", "share", "a", ""),
            CATALOGUE.clients["linux-cifs-kernel-1.0"].policy,
            log,
        )
    assert log.steps == []
