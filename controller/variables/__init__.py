"""The duty that makes the Secrets behind variables, for the pods that wait for them."""
