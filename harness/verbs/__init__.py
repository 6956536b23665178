"""What each verb of the command line does; ``harness.cli.main`` only reads the words."""
