"""The vagrant lab: real machines, started by Vagrant and restored from a snapshot before each change."""
