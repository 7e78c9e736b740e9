"""What the Enforcer needs in Vault: to read the policies and roles of namespaces, and no secret."""
