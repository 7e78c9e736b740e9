# A policy set for Terraform Enterprise and HCP Terraform, which take this folder as it is: docs/terraform.md.
policy "keyhole-vault" {
  description       = "Policies and roles of Keyhole's tenants in Vault grant what is needed, and nothing else."
  query             = "data.keyhole.terraform.violations"
  enforcement_level = "mandatory"
}

policy "keyhole-vault-not-checked" {
  description       = "What could not be checked, where the parameter allowUnchecked lets a run go on all the same."
  query             = "data.keyhole.terraform.warnings"
  enforcement_level = "advisory"
}
