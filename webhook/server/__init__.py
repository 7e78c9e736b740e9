"""The server process: gunicorn, TLS, its workers and their connections."""
