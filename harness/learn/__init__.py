"""What a capture shows of clients, from packets to personas. Only what was seen is claimed."""
