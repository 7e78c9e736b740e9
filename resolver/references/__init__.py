"""The language of references, and the values that they stand for. Pure: it knows neither Vault nor Kubernetes."""
