"""Where servers and clients live; nothing outside this room starts or stops anything."""
