"""How a caller proves that it is the API server, before anything of the request is read."""
