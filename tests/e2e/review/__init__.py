"""`keyhole lint` and what it is compared with, on a real Vault and without a cluster."""
