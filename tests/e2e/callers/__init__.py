"""Who may ask, on a testbed whose API server proves itself."""
