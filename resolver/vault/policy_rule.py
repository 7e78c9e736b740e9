"""One rule of a Vault policy in HCL: which paths it can name literally, and how it is written.

Source: Vault, *Policies* (https://developer.hashicorp.com/vault/docs/concepts/policies).
"""

import json

# Vault takes the path of a policy literally, except for these.
_NOT_LITERAL = {
    "*": "a policy would read * as a wildcard",
    "{{": "a policy would read {{ as the beginning of a template",
    "}}": "a policy would read }} as the end of a template",
    "${": "the language of policies (HCL) would read ${ as the beginning of an expression",
    "%{": "Terraform would read %{ as the beginning of a directive",
}


def why_not_literal(path: str) -> str | None:
    """Return why a policy with this path would not mean exactly this path; None if it does."""
    for text, reason in _NOT_LITERAL.items():
        if text in path:
            return reason
    if any(segment.startswith("+") for segment in path.split("/")):
        return "a policy would read + as a wildcard for a segment"
    return None


def rule(path: str, capability: str) -> str:
    """Return the rule that grants `capability` on a path, as it is written in a policy file."""
    return f'path {_quoted(path)} {{\n  capabilities = ["{capability}"]\n}}\n'


def advised(path: str) -> str | None:
    """Return the rule that allows reading the path, on one line; None if no rule can name it literally."""
    if why_not_literal(path) is not None:
        return None
    return f'path {_quoted(path)} {{ capabilities = ["read"] }}'


def _quoted(path: str) -> str:
    # HCL's strings have JSON's escapes for quotes and backslashes.
    return json.dumps(path, ensure_ascii=False)
