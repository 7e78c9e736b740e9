"""Asks the API server what it has been told about Keyhole, and Keyhole for its certificate."""
