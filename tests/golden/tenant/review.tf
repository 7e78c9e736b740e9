# auth/github has to trust GitHub, and nobody else. If it is not there yet:
#   vault auth enable -namespace=teams/eu -path=github jwt
#   vault write -namespace=teams/eu auth/github/config oidc_discovery_url=https://token.actions.githubusercontent.com bound_issuer=https://token.actions.githubusercontent.com

resource "vault_policy" "keyhole_review" {
  namespace = "teams/eu"
  name      = "keyhole_review"
  policy    = <<-EOT
    # What `keyhole lint --vault` may see in CI: names and versions, and no value.

    # subkeys/ has the names of fields, metadata/ the versions. data/, which has the values, is not here.
    path "secret/subkeys/*" {
      capabilities = ["read"]
    }
    path "secret/metadata/*" {
      capabilities = ["read"]
    }

    # What namespaces may read, to be compared with what their manifests refer to.
    path "sys/policies/acl/keyhole-*" {
      capabilities = ["read"]
    }

    # To give the token back at the end.
    path "auth/token/revoke-self" {
      capabilities = ["update"]
    }
  EOT
}

resource "vault_jwt_auth_backend_role" "keyhole_review" {
  namespace               = "teams/eu"
  backend                 = "github"
  role_name               = "keyhole_review"
  role_type               = "jwt"
  user_claim              = "repository"
  bound_audiences         = ["keyhole-review"]
  bound_claims            = { "repository" = "acme/deploy", "event_name" = "push,pull_request,merge_group,schedule,workflow_dispatch" }
  token_policies          = [vault_policy.keyhole_review.name]
  token_no_default_policy = true
  token_ttl               = 300
  token_max_ttl           = 300
  token_type              = "service"
}
