"""The only process of Keyhole that writes: it makes and rotates the key of the records, and certificates."""
