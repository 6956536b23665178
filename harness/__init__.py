"""smb-rehearsal: rehearse an SMB hardening change on real servers before making it."""
