"""References in Git become Secrets in a cluster, shown on real servers: `python -m demo`, from a checkout."""
