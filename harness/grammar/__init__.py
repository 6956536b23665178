"""How names are put together into cells, selectors and combinations: ``:``, ``,``, ``+``, ``*``."""
