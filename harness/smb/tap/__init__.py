"""What goes over a wire between others, read along: frames, events, and the story that they tell."""
