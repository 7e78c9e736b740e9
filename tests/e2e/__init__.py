"""Tests on the real API server, etcd and Vault. A folder below has a testbed of its own, which ends with its tests."""
