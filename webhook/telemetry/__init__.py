"""What a worker tells of itself in metrics."""
