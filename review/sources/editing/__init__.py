"""How edits of manifests are made: what is intended, where it takes place in the text, and how it is written."""
