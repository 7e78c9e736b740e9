"""The identities for Vault: a tenant's login, its token, and what the tenant may see in Vault."""
