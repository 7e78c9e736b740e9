"""What a document has that may be of interest: a search for a few characters spares most of them a closer look."""

from typing import Final

# An escape may spell anything, and so may base64 with a tag.
MAY_SPELL: Final = ("\\", "!!", "!<", "%TAG")
# What a document with values has; of a patch the target says so, by a pattern perhaps.
MAY_HOLD_VALUES: Final = ("Secret", "stringData", "patches")
# What a document has in which texts may hold objects, or which is a patch.
MAY_HOLD_OTHERS: Final = (
    "patch",
    "values:",
    "valuesContent:",
    "values.yaml:",
    "values.yml:",
    "op:",
    '"op"',
    '"values',
    "\\",
)
# What references of other tools have, or the base64 of them.
MAY_BE_FOREIGN: Final = (
    *("<path:", "ref+", "avp.kubernetes.io/", "vault.security.banzaicloud.io/", "security.bank-vaults.io/"),
    *("external-secrets.io", "secrets.hashicorp.com", ">>vault:", "PHBhdGg6"),
)
# What a text has that may be Keyhole's business: `vault` in base64 as well, wherever in its groups it begins.
MAY_REFER: Final = ("vault:", "vault+", "keyhole.dev", "dmF1bHQ", "ZhdWx0", "2YXVsd", "dockerc", "config.json")
