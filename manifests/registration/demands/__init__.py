"""ValidatingAdmissionPolicies for what an organisation may demand beyond what Keyhole needs. All are off by default."""
