"""The fleet: who really connects, by what sources say of machines, and which kinds of client these are."""
