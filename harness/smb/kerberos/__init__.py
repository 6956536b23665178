"""Kerberos as a kind of client speaks it: to its KDC, and in the tokens of a session. RFC 4120, [MS-KILE]."""
