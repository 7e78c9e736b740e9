"""Keyhole on a testbed: its processes, objects, tenants and releases."""
