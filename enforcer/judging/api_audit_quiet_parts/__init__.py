"""What `api-audit-quiet` stands on: an audit policy evaluated as the API server does it."""
