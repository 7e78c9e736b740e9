"""Generated from others: Rego from the Python grammar, Gatekeeper's templates and OPA's bundle from the Rego."""
