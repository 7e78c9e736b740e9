"""Judges: from facts to answers. Pure; each standard has a module of its own."""
