"""Scenario scripts: each file says what is rehearsed and what is expected. See docs/scenarios.md."""
