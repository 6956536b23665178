"""Runs in the image: makes the accounts of the domain on its own database, in one transaction.

Reads its order as JSON from stdin. All of it takes 4 s, as samba-tool(8) does for one account (measured).
"""

import json
import sys
from typing import Any

import ldb
from samba import dsdb
from samba.auth import system_session
from samba.ndr import ndr_pack
from samba.param import LoadParm
from samba.provision.sambadns import ARecord
from samba.samdb import SamDB

order = json.load(sys.stdin)
conf = LoadParm()
conf.load(order["conf"])
base = SamDB(url=order["database"], session_info=system_session(conf), lp=conf)
domain = base.domain_dn()


def set_to(dn: str, values: dict[str, Any]) -> None:
    message = ldb.Message(ldb.Dn(base, dn))
    for name, value in values.items():
        message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    base.modify(message)


def make_user(user: dict[str, Any]) -> None:
    base.newuser(user["name"], user["password"])
    values = {}
    if user["enctypes"]:
        values["msDS-SupportedEncryptionTypes"] = str(user["enctypes"])
    if user["must_change"]:
        values["pwdLastSet"] = "0"
    if user["disabled"]:
        values["userAccountControl"] = "514"
    if values:
        set_to(f"CN={user['name']},CN=Users,{domain}", values)
    if user["before_aes"]:
        # What is kept besides the NT hash, which is the key of RC4: that of an account from before AES.
        message = ldb.Message(ldb.Dn(base, f"CN={user['name']},CN=Users,{domain}"))
        message["keys"] = ldb.MessageElement([], ldb.FLAG_MOD_DELETE, "supplementalCredentials")
        base.modify(message, controls=[f"local_oid:{dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID}:0"])
    if user["group"]:
        base.add_remove_group_members(user["group"], [user["name"]], add_members_operation=True)


def machine_dn(account: str) -> str:
    found = base.search(domain, expression=f"(sAMAccountName={account})", attrs=["dn"])
    return str(found[0].dn)


def make_machine(machine: dict[str, Any]) -> None:
    dn = machine_dn(machine["account"])
    message = ldb.Message(ldb.Dn(base, dn))
    message["spn"] = ldb.MessageElement(machine["spns"], ldb.FLAG_MOD_ADD, "servicePrincipalName")
    base.modify(message)
    if machine["enctypes"]:
        set_to(dn, {"msDS-SupportedEncryptionTypes": str(machine["enctypes"])})


def make_name(name: str, address: str) -> None:
    zone = f"DC={order['zone']},CN=MicrosoftDNS,DC=DomainDnsZones,{domain}"
    message = ldb.Message(ldb.Dn(base, f"DC={name},{zone}"))
    message["objectClass"] = ["top", "dnsNode"]
    message["dnsRecord"] = ldb.MessageElement([ndr_pack(ARecord(address))], ldb.FLAG_MOD_ADD, "dnsRecord")
    base.add(message)


base.transaction_start()
if order["users"]:
    # Else a domain that is older than 42 days would let nobody in.
    set_to(domain, {"maxPwdAge": "0", "minPwdAge": "0"})
for one in order["users"]:
    make_user(one)
for one in order["machines"]:
    make_machine(one)
for name, address in order["names"].items():
    make_name(name, address)
base.transaction_commit()
