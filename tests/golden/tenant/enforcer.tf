resource "vault_policy" "keyhole_enforcer" {
  namespace = "teams/eu"
  name      = "keyhole_enforcer"
  policy    = <<-EOT
    # What `keyhole enforce` may see with its own token: policies and roles of namespaces, and no secret.

    # What namespaces may read and who logs in for them, to be compared with what they use.
    path "sys/policies/acl/keyhole-*" {
      capabilities = ["read"]
    }
    path "auth/clusters/eu/role/*" {
      capabilities = ["read"]
    }

    # To give the token back at the end.
    path "auth/token/revoke-self" {
      capabilities = ["update"]
    }
  EOT
}

resource "vault_kubernetes_auth_backend_role" "keyhole_enforcer" {
  namespace                        = "teams/eu"
  backend                          = "clusters/eu"
  role_name                        = "keyhole_enforcer"
  bound_service_account_names      = ["keyhole-enforcer"]
  bound_service_account_namespaces = ["keyhole"]
  audience                         = "vault-eu"
  token_policies                   = [vault_policy.keyhole_enforcer.name]
  token_no_default_policy          = true
  token_ttl                        = 600
  token_max_ttl                    = 600
  token_type                       = "service"
}
