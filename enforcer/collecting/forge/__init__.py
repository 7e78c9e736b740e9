"""Collects how the repository of the manifests is guarded, from the API of its forge. Only GET, and no file of it."""
