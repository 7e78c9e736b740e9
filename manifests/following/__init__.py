"""What follows from a change in Vault for an object, decided from its annotations and the answers alone."""
