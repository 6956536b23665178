"""Runs in the image: has the directory of a running domain say something of a user and of a machine.

Reads its order as JSON from stdin, and changes what differs from it. Prints what the machine's account said
of encryption types before.
"""

import json
import sys
from typing import Any

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

TYPES = "msDS-SupportedEncryptionTypes"
order = json.load(sys.stdin)
conf = LoadParm()
conf.load(order["conf"])
base = SamDB(url=order["database"], session_info=system_session(conf), lp=conf)


def of(account: str, attributes: list[str]) -> Any:
    found = base.search(
        base.domain_dn(), expression=f"(sAMAccountName={account})", attrs=attributes, scope=ldb.SCOPE_SUBTREE
    )
    return found[0]


base.transaction_start()
user = of(order["user"], ["memberOf"])
inside = any(f"CN={order['group']}," in str(group) for group in user.get("memberOf", []))
if inside != order["protected"]:
    base.add_remove_group_members(order["group"], [order["user"]], add_members_operation=order["protected"])
# An account that was locked is open again with each change of it.
message = ldb.Message(base.get_default_basedn())
message["most"] = ldb.MessageElement(str(order["lockout"]), ldb.FLAG_MOD_REPLACE, "lockoutThreshold")
base.modify(message)
message = ldb.Message(of(order["service"], ["dn"]).dn)
for name in ("lockoutTime", "badPwdCount"):
    message[name] = ldb.MessageElement("0", ldb.FLAG_MOD_REPLACE, name)
base.modify(message)
machine = of(order["machine"], [TYPES])
if order["enctypes"]:
    message = ldb.Message(machine.dn)
    message["types"] = ldb.MessageElement(order["enctypes"], ldb.FLAG_MOD_REPLACE, TYPES)
    base.modify(message)
base.transaction_commit()
sys.stdout.write(str(machine.get(TYPES, "")))
