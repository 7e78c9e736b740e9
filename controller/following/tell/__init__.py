"""What the loop says of its work: Events, the annotation of what lasts, metrics."""
