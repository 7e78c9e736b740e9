"""What the API server is told of Keyhole: which objects it sends, where to, and what it refuses by itself."""
