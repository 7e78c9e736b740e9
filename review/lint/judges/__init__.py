"""Judges of the whole tree: each is given what one option names, and none is imported without its option."""
