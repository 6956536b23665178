"""A staged plan in the reader's words, on a terminal and in Markdown; its JSON is among the documents."""
