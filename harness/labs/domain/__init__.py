"""The lab's Active Directory domain: provisioned once into a template, started from it in seconds.

    template   made once for a recipe, kept in the cache as one tar: the databases of the domain controller,
               and the secrets of the machines that are joined (``making``, ``template``)
    controller samba(8) from a copy of it: KDC, DNS, LDAP and SMB on a loopback address (``controller``)
    member     winbindd(8) and smbd(8) from a copy of a machine's secrets (``member``)

Each server of the lab that is in a domain has a whole domain for itself: nothing that a change does to one
is seen by another, and no run sees that of another one.
"""

from __future__ import annotations

from typing import Final

TEMPLATE: Final = "lab-domain"
"""What the template is called among the images that a lab is given."""
