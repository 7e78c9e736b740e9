"""What Keyhole tells Prometheus of itself; the only room that imports prometheus_client."""
