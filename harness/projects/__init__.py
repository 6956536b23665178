"""A place of one's own: a folder with a rehearsal.toml, and what is found in it."""

from typing import Final

NAME: Final = "rehearsal.toml"
"""The file that makes a folder a project."""
