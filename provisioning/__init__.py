"""Setting up tenants: the namespace bundle, the Vault policy and role, and checks of manifests."""
