# What `keyhole lint --vault` may see in CI: names and versions, and no value.

# subkeys/ has the names of fields, metadata/ the versions. data/, which has the values, is not here.
path "secret/subkeys/*" {
  capabilities = ["read"]
}
path "secret/metadata/*" {
  capabilities = ["read"]
}
path "teams/subkeys/*" {
  capabilities = ["read"]
}
path "teams/metadata/*" {
  capabilities = ["read"]
}

# What namespaces may read, to be compared with what their manifests refer to.
path "sys/policies/acl/keyhole-*" {
  capabilities = ["read"]
}

# auth/ci/gitlab has to trust GitLab, and nobody else. If it is not there yet (a GitLab of your own has another address):
#   bao auth enable -path=ci/gitlab jwt
#   bao write auth/ci/gitlab/config oidc_discovery_url=https://gitlab.com bound_issuer=https://gitlab.com
# To write this policy: bao policy write keyhole_review FILE
# Its role, to be given to: bao write auth/ci/gitlab/role/keyhole_review -
# {
#   "role_type": "jwt",
#   "user_claim": "project_path",
#   "bound_audiences": ["keyhole-review"],
#   "bound_claims": {"project_path": "acme/platform/deploy"},
#   "token_policies": ["keyhole_review"],
#   "token_no_default_policy": true,
#   "token_ttl": 300,
#   "token_max_ttl": 300,
#   "token_type": "batch"
# }
