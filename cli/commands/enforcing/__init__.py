"""The commands of the Enforcer: what is deployed, and whether it meets the standards."""
