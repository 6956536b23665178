"""The two-sided verdict: what each change closes, and whom it costs. Pure: from a finished run, no I/O."""
