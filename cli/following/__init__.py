"""What `keyhole status` and `keyhole refresh` find out, and how they show it."""
