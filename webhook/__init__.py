"""Admission: the review that the API server sends, the patch that it gets back, and the server in between."""
