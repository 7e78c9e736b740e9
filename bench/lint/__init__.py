"""What `keyhole lint` costs on a large tree, beside libyaml alone and beside gitleaks."""
