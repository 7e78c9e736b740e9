"""What stands for a value without being one: references of other programs, variables, templates, encrypted texts.

Each form is the whole text, or text around it that holds no secret by itself. Sources: the documentation of
argocd-vault-plugin, vals, bank-vaults, Flux (postBuild), kustomize and SOPS.
"""

import re
from typing import Final

_WHOLE: Final = re.compile(
    r"""
      vault(?:\+[a-z0-9-]+)?:\S.*          # Keyhole, bank-vaults; whether it can be read is another rule's matter
    | >>vault:.*                           # bank-vaults' writing form
    | (?:ref|secretref)\+[a-z0-9]+://.*    # vals
    | op://.*                              # 1Password
    | <[^<>\n]+>                           # argocd-vault-plugin; <password> of a manual
    | ENC\[.*\]                            # SOPS
    | (?:sm|gsm|berglas|akv|bws|doppler)://\S+      # fetched by an init process
    | arn:aws[a-z-]*:(?:secretsmanager|ssm):\S+
    | \$\{[A-Za-z_][A-Za-z0-9_.]*(?::?[=-]|:?\?[^}]*)?\}   # a shell's or Flux's variable, with no default of its own
    | \$\([A-Za-z_][A-Za-z0-9_.-]*\)       # Kubernetes', kustomize's or Azure's
    | \$[A-Z_][A-Z0-9_]*
    | %[({][A-Za-z_][\w.]*[)}]s?
    | \(\([a-zA-Z0-9/_. -]+\)\)            # Concourse, Cloud Foundry
    | @@?[A-Z][A-Z0-9_]*@@?                # autoconf's
    | __[A-Z][A-Z0-9_]*__
    | %%[A-Z][A-Z0-9_]*%%
    | ([*xX.#-])\1*                        # masked
    | \[?(?:REDACTED|TODO|TBD|REPLACE[_-]?ME|PLACEHOLDER)\]?
    | (?:UPDATE|REPLACE|INSERT|YOUR|ENTER|ADD|PUT|SET|FILL)[_-][A-Z0-9_-]+   # what to write there, as samples have it
    | \{[A-Za-z_][A-Za-z0-9_.]*\}           # Frigate's, Python's
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENERS: Final = ("${", "$(", "<path:", "ref+")
# Each stops where another one may begin, so that no text is searched twice.
_INLINE: Final = re.compile(
    r"""
      <path:[^<>\n]+>
    | (?:ref|secretref)\+[a-z0-9]+://\S+
    | \$\{[A-Za-z_][A-Za-z0-9_.]*+(?::?[=-]|:?\?[^}$\n]*)?\}
    | \$\([A-Za-z_][A-Za-z0-9_.-]*+\)
    """,
    re.VERBOSE,
)
# SOPS marks what it encrypted with a message authentication code.
_SOPS_MAC: Final = re.compile(r"""["']?\bmac["']?\s*[:=]\s*["']?ENC\[AES256_GCM,|sops_mac=ENC\[AES256_GCM,""")
# What is published anyway: certificates, public keys, lists of them and of hosts.
_PUBLIC_BLOCK: Final = re.compile(
    r"-----BEGIN (?P<label>(?:TRUSTED )?CERTIFICATE|CERTIFICATE REQUEST|X509 CRL|(?:[A-Z]+ )?PUBLIC KEY"
    r"|PGP PUBLIC KEY BLOCK)-----[^-]*+-----END (?P=label)-----"
)
_PUBLIC_LINE: Final = re.compile(
    r"(?:[^\s#]+ )?(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d+|sk-ssh-ed25519@openssh\.com) "
    r"AAAA[A-Za-z0-9+/=]+(?: .*)?"
)


# The frame of a certificate or a key says nothing by itself.
_PEM_FRAME: Final = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]{1,60}-----")


def is_placeholder(text: str) -> bool:
    """Whether a text stands for a value that is elsewhere, or has at least one placeholder in it.

    What stands around a placeholder cannot be told from a frame, such as `postgres://app:((vault:…))@db` or a whole
    file of configuration, and is not judged here: tokens in it are found by their own form.
    """
    stripped = (_PEM_FRAME.sub("", text) if "-----BEGIN " in text else text).strip()
    if not stripped or _WHOLE.fullmatch(stripped):
        return True
    return _has_template(text) or (any(opener in text for opener in _OPENERS) and _INLINE.search(text) is not None)


def _has_template(text: str) -> bool:
    begins = text.find("{{")
    return begins >= 0 and text.find("}}", begins) > 0


def is_encrypted(text: str) -> bool:
    """Whether a text is a file that SOPS encrypted."""
    return _SOPS_MAC.search(text) is not None


def is_public(text: str) -> bool:
    """Whether a text consists of certificates, public keys and known hosts, which need not be kept secret."""
    rest = _PUBLIC_BLOCK.sub("", text)
    lines = [line.strip() for line in rest.splitlines()]
    kept = [line for line in lines if line and not line.startswith("#")]
    return (rest != text or bool(kept)) and all(_PUBLIC_LINE.fullmatch(line) for line in kept)
