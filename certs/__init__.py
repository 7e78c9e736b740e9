"""The certificate authority and the serving certificates: issue, look into, keep in files."""
