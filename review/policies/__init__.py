"""Vault policies as text: what they say, and what a token with them may do. Nothing here asks Vault."""
