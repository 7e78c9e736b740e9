"""What an index of audit trails costs: how fast it is filled, and how soon it answers."""
