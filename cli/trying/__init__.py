"""`keyhole try`: what admission makes of manifests, with a file of example values in place of Vault."""
