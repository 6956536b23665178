"""In which order to make changes: measured stages, found by search. Pure: from a finished run, no I/O."""
