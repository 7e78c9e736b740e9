"""What registers Keyhole with the API server: its APIService and its webhook configuration."""
