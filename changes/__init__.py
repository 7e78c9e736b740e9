"""What changed: audit trails and the history of Git, read, joined and shown. Nothing here holds a value."""
