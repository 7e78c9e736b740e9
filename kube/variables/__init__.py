"""What variables of workloads take: pods that are watched, what owns them, and the Secrets that are made for them."""
