"""`keyhole changes` and `keyhole page`."""
