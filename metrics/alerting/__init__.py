"""The alerts by what they are about, and the rules that Prometheus has of them."""
