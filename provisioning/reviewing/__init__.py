"""What CI needs in Vault to review manifests with `keyhole lint --vault`: names and versions, and no value."""
