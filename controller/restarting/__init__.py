"""Restarts of workloads that use a Secret whose value has changed."""
