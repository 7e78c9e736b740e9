"""Vault over HTTP: requests in bounded time and size, and what the answers mean."""
