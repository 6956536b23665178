"""The network of a local lab beside loopback: devices, who announces a server there, and relays of QUIC."""
