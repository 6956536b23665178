"""What is asked of a server over its named pipes: RPC services, and the calls of the time before them."""
