"""Reads manifests from files, in the same way as admission does."""
