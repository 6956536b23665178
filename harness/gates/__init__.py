"""Known-good gates: what must be kept and closed, and which losses are accepted until when."""
