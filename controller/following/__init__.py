"""The duty that follows Vault: it asks which versions there are, and has objects refreshed that have older ones."""
