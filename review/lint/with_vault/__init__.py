"""What Vault knows of the references of a tree: `facts` asks, without reading a value, and the rest is pure."""
