"""A change request in Markdown, for who must decide on a change, make it, and take it back."""
