"""`keyhole key`: the key that signs the records."""
