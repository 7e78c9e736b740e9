"""What is stopped, killed and replaced, on a testbed of its own."""
