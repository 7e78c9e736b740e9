"""The real kube-apiserver, etcd and Vault on 127.0.0.1, for tests, demo and benchmark."""

from testbed.bed import Options, Testbed

__all__ = ["Options", "Testbed"]
