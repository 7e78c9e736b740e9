resource "vault_policy" "keyhole-shop" {
  namespace = "teams/eu"
  name      = "keyhole-shop"
  policy    = <<-EOT
    # What the namespace shop may read through Keyhole: these paths, and nothing below or beside them.

    # KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed.
    path "secret/data/shop/eu" {
      capabilities = ["read"]
    }
    path "secret/metadata/shop/eu" {
      capabilities = ["read"]
    }

    # For Keyhole to revoke its token when it is done: without the default policy nobody else allows it.
    path "auth/token/revoke-self" {
      capabilities = ["update"]
    }
  EOT
}

resource "vault_kubernetes_auth_backend_role" "keyhole-shop" {
  namespace                        = "teams/eu"
  backend                          = "clusters/eu"
  role_name                        = "shop"
  bound_service_account_names      = ["keyhole"]
  bound_service_account_namespaces = ["shop"]
  audience                         = "vault-eu"
  token_policies                   = [vault_policy.keyhole-shop.name]
  token_no_default_policy          = true
  token_ttl                        = 600
  token_max_ttl                    = 600
  token_type                       = "service"
}
