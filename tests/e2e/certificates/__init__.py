"""Authorities and certificates, on a testbed of their own."""
