"""The boards of `metrics.boards`, as Grafana and Perses have them."""
