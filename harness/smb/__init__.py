"""SMB on the wire: a small client that opens as any kind of client does, and carries on from there."""
