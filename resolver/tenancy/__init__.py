"""As whom Vault is asked: a tenant's login, its token, and Vault as it sees it."""
