"""The room of mitigations: one file each."""

NONE = "none"
"""The baseline alone."""
