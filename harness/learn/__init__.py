"""What a capture shows of clients: packets, streams, observations, personas. Only what was seen is claimed."""
