"""The administrator's Vault connections: the file that describes them, and what follows from it."""
