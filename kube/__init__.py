"""The only room that imports the kubernetes package: what Keyhole asks of the API server."""
