"""A place of one's own: a folder with a rehearsal.toml, and what is found in it."""
