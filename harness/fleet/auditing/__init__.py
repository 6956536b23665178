"""How to find out who really connects: what turns auditing on and off, by platform and release."""
