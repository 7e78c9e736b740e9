"""What the standards of Vault have in common."""
