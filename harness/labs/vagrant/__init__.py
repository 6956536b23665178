"""The vagrant lab: real virtual machines, started by Vagrant, restored from a snapshot before every change."""
