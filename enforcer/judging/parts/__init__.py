"""What several judges have in common."""
