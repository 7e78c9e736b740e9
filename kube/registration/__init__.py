"""What registers Keyhole with the API server, and how the API server proves itself to what is registered."""
