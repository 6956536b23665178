"""What each verb of the command line does; ``harness.cli`` only reads the words."""
