"""The room of servers: one file a kind, each a real server with its base configuration."""
