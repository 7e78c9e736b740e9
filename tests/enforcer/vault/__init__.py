"""What the Enforcer learns from Vault, and judges by it."""
