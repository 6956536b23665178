"""Sphinx's settings for the site; build.py beside this puts its pages together."""

project = "smb-rehearsal"
html_title = "smb-rehearsal"
extensions = ["myst_parser"]
myst_heading_anchors = 4
"""Links to headings, down to this level, as GitHub makes their names."""
highlight_language = "text"
html_theme = "furo"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
exclude_patterns = ["ci"]
suppress_warnings = ["misc.highlighting_failure"]
"""Pygments knows no csv: such a block is shown without colours."""
