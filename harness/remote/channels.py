"""One command over one channel of an SSH connection, so that the connection outlives it (RFC 4254 5 and 6).

paramiko decides under a channel's lock what is to be sent, and sends it after it has let go of the lock. So
on a busy machine its CLOSE, the answer to the guest's, can come before the end of stdin; and OpenSSH hangs up
on whoever names a channel that is closed, which breaks the commands of all other threads (measured: "ieof
packet referred to nonexistent channel"), or ends the stdin of another command that was given the same number.
What is sent here goes out before the lock is released.
"""

from __future__ import annotations

import select
from contextlib import suppress

import paramiko
from paramiko.common import cMSG_CHANNEL_DATA, cMSG_CHANNEL_REQUEST

from harness.system import waits
from harness.system.deadline import Deadline

DIED = (EOFError, OSError, paramiko.SSHException)
"""What paramiko raises when a connection or a channel is gone, or does not answer in time."""
_CHUNK = 65536
_LOOK = 1.0
"""Seconds after which a silent command is looked at again: whether the run is being stopped meanwhile."""


def feed(channel: paramiko.Channel, data: bytes) -> None:
    """Hand stdin over, to its end, beside the reading: a program may answer before it has read everything.

    It need not read it at all, and may have ended before.
    """
    with suppress(*DIED):
        while data:
            with channel.lock:
                # Lets go of the lock while it waits for the guest to take more.
                size = channel._wait_for_send_window(len(data))  # type: ignore[attr-defined]
                if size == 0:
                    return
                message = _to(channel, cMSG_CHANNEL_DATA)
                message.add_string(data[:size])
                _send(channel, message)
            data = data[size:]
        with channel.lock:
            end = channel._send_eof()  # type: ignore[attr-defined]
            if end is not None:
                _send(channel, end)


def drain(channel: paramiko.Channel, out: bytearray, err: bytearray, deadline: Deadline) -> bool:
    """Read both streams until the command has ended; False when the deadline came first."""
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    while True:
        while channel.recv_ready():
            out += channel.recv(_CHUNK)
        while channel.recv_stderr_ready():
            err += channel.recv_stderr(_CHUNK)
        if channel.eof_received or channel.closed:
            # The rest may have come between the loops above and the end; then the exit status follows.
            if not (channel.recv_ready() or channel.recv_stderr_ready()):
                return channel.status_event.wait(deadline.remaining)
        elif deadline.expired:
            return False
        else:
            waits.check()
            poll.poll(max(1.0, min(_LOOK, deadline.remaining) * 1000))


def kill(channel: paramiko.Channel) -> None:
    """Ask the guest to kill the command's process group (RFC 4254 6.9; OpenSSH 8.1 and later on Linux).

    Windows has no such signals: there the command goes on until it ends by itself.
    """
    ask = _to(channel, cMSG_CHANNEL_REQUEST)
    ask.add_string("signal")
    ask.add_boolean(False)
    ask.add_string("KILL")
    with suppress(*DIED), channel.lock:
        if not channel.closed:
            _send(channel, ask)


def _to(channel: paramiko.Channel, kind: bytes) -> paramiko.Message:
    message = paramiko.Message()
    message.add_byte(kind)
    message.add_int(channel.remote_chanid)
    return message


def _send(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """Send while the lock is held. (An exchange of keys would wait for it; the next is due after 512 MiB.)"""
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]
