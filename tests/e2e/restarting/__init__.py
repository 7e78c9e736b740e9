"""Restarts of workloads, on a testbed of their own with a real kube-controller-manager, and nobody who runs pods."""
