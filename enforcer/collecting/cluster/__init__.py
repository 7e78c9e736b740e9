"""Collects what the API server has: namespaces, objects without their content, and whether records are proved."""
