"""What a server's logs say of the job that it serves now."""

from __future__ import annotations

from pathlib import Path

from harness.labs.samba_logs import Logs


def test_what_they_said_of_earlier_jobs_is_left_out(tmp_path: Path) -> None:
    smbd, dcerpcd = tmp_path / "log.smbd", tmp_path / "log.samba-dcerpcd"
    smbd.write_text("ignoring unknown parameter\n")
    logs = Logs(tmp_path)
    assert logs.text() == "ignoring unknown parameter\n"
    logs.next_job()
    assert logs.text() == ""
    with smbd.open("a") as file:
        file.write("ready\n")
    dcerpcd.write_text("started\n")
    assert logs.text() == "started\nready\n"
    # Evidence is read from where it was read last, whosever that is.
    said, now = logs.after({"log.smbd": 27})
    assert (said, now) == ("started\nready\n", {"log.smbd": 33, "log.samba-dcerpcd": 8})


def test_one_that_was_begun_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "log.smbd").write_text("a long line of before\n")
    logs = Logs(tmp_path)
    logs.next_job()
    (tmp_path / "log.smbd").write_text("anew\n")
    assert logs.text() == "anew\n"
