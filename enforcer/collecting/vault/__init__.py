"""Vault's section of the inventory: versions as the tenants see them, policies and roles as the Enforcer does."""
