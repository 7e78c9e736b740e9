"""Texts with references in them: what they are for Keyhole, and where they stand in an object."""
