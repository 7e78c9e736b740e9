"""How a caller proves that it is the API server, before its request is read."""
