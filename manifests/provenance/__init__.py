"""Proof of which reference gave a field its value: the keys, the record, and what the record proves."""
