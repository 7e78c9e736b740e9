"""The versions that the testbed builds, and those it accepts when it finds a program ready-made.

They repeat what stands in modules/*/go.mod; a test compares the two.
"""

from testbed.programs.versions import Version

KUBERNETES = Version(1, 36, 3)
ETCD = Version(3, 6, 8)
# 1.21.4 does not build from modules: no published sdk fits it.
VAULT = Version(1, 21, 1)
VAULT_KUBERNETES_AUTH = Version(0, 23, 1)
HELM = Version(3, 22, 0)
HELM_DOCS = Version(1, 14, 2)
CERT_MANAGER = Version(1, 21, 2)
PROMETHEUS_OPERATOR = Version(0, 85, 0)
OPEN_REPORTS = Version(0, 2, 1)
KUSTOMIZE_CONTROLLER = Version(1, 9, 5)
FLUX_SOURCES = Version(1, 9, 0)
# Later ones need a gitops-engine that is not published as a module.
ARGOCD = Version(3, 2, 0)
GO = Version(1, 26, 0)

OLDEST_KUBERNETES = Version(1, 34, 0)
OLDEST_ETCD = Version(3, 6, 0)
OLDEST_VAULT = Version(1, 19, 0)
OLDEST_HELM = Version(3, 18, 0)
OLDEST_REDIS = Version(7, 0, 0)
