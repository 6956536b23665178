"""Results of earlier runs, kept and reused where nothing changed that could change them (docs/reuse.md)."""
