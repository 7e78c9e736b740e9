"""Judges manifests where they are written: in a repository, before anything is applied. No value leaves this room."""
