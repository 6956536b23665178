"""A guest who brought a password, over SMB 3.1.1 and below.

impacket signs the session of a guest with a key made of its password; the server's key of a guest is all
zeros. Over 3.1.1, where every client signs its tree connect, that is refused; over 3.0 it is not looked at.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of impacket and Samba 4.17",
    servers=["guest-share"],
    mitigations=["smb302-maximum"],
    clients=["impacket"],
    checks=["open"],
    claims=[
        Claim("*:*:*:*", said=Effect.GAINED),
    ],
)
