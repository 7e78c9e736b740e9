"""Puts values in place of references in files of other formats. A value may change a text, and never the structure."""
