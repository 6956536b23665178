"""The command line: words in, a verb's answer out."""
