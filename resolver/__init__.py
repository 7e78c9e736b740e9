"""What a reference to Vault is, and what it resolves to.

The pure half: `grammar` reads references from text, `functions` turns the field of a secret into the
value that was asked for. The rest of the package fetches the field. Nothing here knows Kubernetes.
"""
