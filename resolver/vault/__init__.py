"""Vault over HTTP: requests limited in time and size, and what the answers mean."""
