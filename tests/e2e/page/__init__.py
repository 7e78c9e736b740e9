"""`keyhole page` with the real API server: its tokens, its RBAC."""
