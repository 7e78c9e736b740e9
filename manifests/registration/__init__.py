"""What the API server is told about Keyhole: which objects to send, where to, and what to refuse by itself."""
