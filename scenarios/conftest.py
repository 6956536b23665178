"""``pytest scenarios/`` in a checkout: what an installed one does anywhere (harness.pytest_scenarios)."""

from __future__ import annotations

import pytest

PLUGIN = "harness.pytest_scenarios"


def pytest_configure(config: pytest.Config) -> None:
    """Load the plugin, unless an installed package has."""
    if not config.pluginmanager.has_plugin(PLUGIN):
        config.pluginmanager.import_plugin(PLUGIN)
