"""Real GitOps clients on a testbed, and the sources that they read."""
