"""The Enforcer on real servers."""
