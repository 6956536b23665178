"""The room of ways into a guest: run a command there, leave a file there."""
