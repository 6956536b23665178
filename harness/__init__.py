"""smb-rehearsal: rehearse an SMB hardening change on real servers before making it."""

__version__ = "0.1.0"
