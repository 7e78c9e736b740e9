"""What a reference to Vault is, and how it becomes a value.

`references` is the pure half: it parses references and applies their functions. The other packages fetch secrets from
Vault. Nothing here knows Kubernetes.
"""
