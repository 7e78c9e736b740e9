"""What registers Keyhole with the API server, how that proves itself to what is registered, and whether it asks it."""
