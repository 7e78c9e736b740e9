"""`keyhole render` and `keyhole exec`: values for what is not of Kubernetes."""
