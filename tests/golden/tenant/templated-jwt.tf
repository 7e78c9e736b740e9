data "vault_auth_backend" "keyhole" {
  path = "jwt"
}

resource "vault_policy" "keyhole" {
  name   = "keyhole"
  policy = <<-EOT
    # What every namespace may read through Keyhole: Vault puts in the name of the one that logged in.

    # KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed.
    path "secret/data/{{identity.entity.aliases.${data.vault_auth_backend.keyhole.accessor}.metadata.service_account_namespace}}/*" {
      capabilities = ["read"]
    }
    path "secret/metadata/{{identity.entity.aliases.${data.vault_auth_backend.keyhole.accessor}.metadata.service_account_namespace}}/*" {
      capabilities = ["read"]
    }

    # For Keyhole to revoke its token when it is done: without the default policy nobody else allows it.
    path "auth/token/revoke-self" {
      capabilities = ["update"]
    }
  EOT
}

resource "vault_jwt_auth_backend_role" "keyhole" {
  backend                 = "jwt"
  role_name               = "keyhole"
  role_type               = "jwt"
  user_claim              = "sub"
  bound_audiences         = ["vault"]
  bound_claims            = { "/kubernetes.io/serviceaccount/name" = "keyhole" }
  claim_mappings          = { "/kubernetes.io/namespace" = "service_account_namespace" }
  token_policies          = [vault_policy.keyhole.name]
  token_no_default_policy = true
  token_ttl               = 600
  token_max_ttl           = 600
  token_type              = "service"
}
