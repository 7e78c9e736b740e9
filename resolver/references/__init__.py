"""The language of references, and their values. Pure: it knows neither Vault nor Kubernetes."""
