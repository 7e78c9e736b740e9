"""From other tools, and from values in the repository, to references: what is to be done, as edits and as a script."""
