"""What every long-lived process of Keyhole shares, whatever it does."""
