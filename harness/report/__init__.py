"""The room of reports: all rendered from ``harness.result.RunResult``; nothing else prints results."""
