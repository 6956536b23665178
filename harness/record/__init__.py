"""What was measured, and what it comes to: journal, verdicts, run folders."""
