"""What the Secrets behind variables cost, and how soon they are there."""
