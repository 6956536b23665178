"""What goes over a wire between others, read along: frames, events, and the trace of each connection."""
