"""What Keyhole tells Prometheus about itself. Only this room imports prometheus_client."""
