"""What `keyhole controller` makes of its options."""
