"""The room of what is known about Windows: releases, changes as data, scripts with contracts, parsers.

Nothing in here was ever run on Windows by this project. Every command, registry value and error code says
in its data which document it comes from.
"""

NEVER_RUN = "not verified: never started by this project"
"""Stands in the title of everything that needs a Windows, so that each output says it."""
