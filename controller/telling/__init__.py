"""What the loop says: Events and annotations for those whose objects it follows, metrics for whoever runs it."""
