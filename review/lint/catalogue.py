"""Every rule of `keyhole lint`, in one table."""

from typing import Final

from review.findings.rule import Rule, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

ENDED_IGNORE: Final = Rule(
    "KH001", "ended-ignore", _ERROR,
    "A comment that took findings back has ended.",
    "Somebody decided to live with a finding until a day, and that day is over.",
    "Mend what the comment covers and remove it, or decide again and write a later day.",
)  # fmt: skip
BAD_IGNORE: Final = Rule(
    "KH002", "malformed-ignore", _ERROR,
    "A comment looks like one that takes findings back, but covers nothing.",
    "Whoever wrote it believes that a finding is taken care of.",
    "Write `# keyhole: ignore KH301 until 2027-01-31 REASON`: rules, a last day, and a reason.",
)  # fmt: skip
KEY_TWICE: Final = Rule(
    "KH003", "key-twice", _ERROR,
    "A key stands twice in one map.",
    "Programs take the first or the last of the two, so a reviewer may read another one than the cluster gets.",
    "Remove one of the two.",
)  # fmt: skip
REFUSED: Final = Rule(
    "KH004", "refused-by-the-api-server", _ERROR,
    "The API server will refuse this: a value is no text, or no base64.",
    "The object is never applied, and nothing of it can be checked.",
    "Put the value in quotes, or encode it; plain text belongs into `stringData`.",
)  # fmt: skip
ENDED_EXCEPTION: Final = Rule(
    "KH005", "ended-exception", _ERROR,
    "An exception in the standards has ended.",
    "Somebody decided to live with findings until a day, and that day is over.",
    "Mend what the exception covers and remove it, or decide again and write a later day.",
)  # fmt: skip
MALFORMED: Final = Rule(
    "KH101", "malformed-reference", _ERROR,
    "A reference cannot be read.",
    "Admission refuses the object.",
    "Write it as `vault:MOUNT/PATH#FIELD`; docs/references.md has the grammar.",
)  # fmt: skip
UNKNOWN_CONNECTION: Final = Rule(
    "KH102", "unknown-connection", _ERROR,
    "A reference names a connection that the connections file does not have.",
    "Admission refuses the object.",
    "Correct the name, or have an administrator add the connection.",
)  # fmt: skip
NOT_ALLOWED: Final = Rule(
    "KH103", "path-not-allowed", _ERROR,
    "The connections file keeps a path from the namespace. A warning where it only does not name the mount.",
    "Admission refuses the object, without asking Vault.",
    "Correct the path, or have an administrator extend `allow` of the connection.",
)  # fmt: skip
NOT_COVERED: Final = Rule(
    "KH104", "path-without-policy", _ERROR,
    "The namespace's policy in Vault does not allow a path. A warning where it lacks the versions only.",
    "Vault refuses the read, and admission the object.",
    "Extend the policy; `keyhole tenant NAMESPACE --vault-only -f MANIFESTS` prints what it needs.",
)  # fmt: skip
NOT_THERE: Final = Rule(
    "KH105", "secret-that-does-not-exist", _ERROR,
    "Vault has no such secret, no such field or no such version.",
    "Admission refuses the object.",
    "Correct the reference, or write the secret into Vault first.",
)  # fmt: skip
BEHIND: Final = Rule(
    "KH106", "pinned-version-behind", _WARNING,
    "The version that a reference pins is old. An error where it is deleted or destroyed.",
    "The application goes on with an old value; a version that is gone cannot fill a new object.",
    "Pin a newer version, or leave the version out to follow Vault.",
)  # fmt: skip
PINNED: Final = Rule(
    "KH107", "pin-against-the-standards", _WARNING,
    "A reference names a version, or names none, against what the standards say.",
    "Without a version a new value arrives by itself; with one nothing arrives that Git does not name.",
    "Write `#FIELD#VERSION`, or leave the version out.",
    is_off=True,
)  # fmt: skip
UNUSED_GRANT: Final = Rule(
    "KH108", "unused-grant", _WARNING,
    "A policy allows a path that no manifest of its namespace refers to.",
    "Whoever may write manifests there can have the secret without anybody having to agree.",
    "Remove the path from the policy, unless something else than these manifests needs it.",
)  # fmt: skip
SHARED_PATH: Final = Rule(
    "KH109", "path-of-several-namespaces", _NOTE,
    "Several namespaces read one path.",
    "Whoever can read secrets in one of them has what the others use; a rotation reaches all of them.",
    "Give each namespace a path of its own, unless sharing is meant.",
)  # fmt: skip
OVER_LIMIT: Final = Rule(
    "KH110", "over-a-limit", _ERROR,
    "An object passes a limit of Keyhole or of Kubernetes.",
    "Admission or the API server refuses it.",
    "Spread what it holds over several objects, or use whole secrets; the message names the limit.",
)  # fmt: skip
DRIFTS: Final = Rule(
    "KH201", "reference-drifts", _WARNING,
    "Argo CD applies this repository, and a reference stands in place of a value, or fills a field in a list.",
    "Argo CD's own diff compares what Git has with what the cluster has: the object stays OutOfSync.",
    "Write it as an annotation (`data.keyhole.dev/KEY`, `env.keyhole.dev/NAME`), and remove the value.",
)  # fmt: skip
SUBSTITUTED: Final = Rule(
    "KH202", "reference-that-flux-takes", _ERROR,
    "A reference in `${…}` is built by a Flux Kustomization that substitutes variables.",
    "Flux takes it for a variable of its own: the Kustomization fails, or an empty text arrives.",
    "Write `((vault:…))`, which means the same to Keyhole and nothing to Flux.",
)  # fmt: skip
NOT_FILLED: Final = Rule(
    "KH203", "reference-that-nothing-fills", _ERROR,
    "A reference stands where Keyhole fills nothing.",
    "The text of the reference itself arrives in the cluster.",
    "Put it into a Secret, and have the workload use that.",
)  # fmt: skip
NO_TENANT: Final = Rule(
    "KH204", "namespace-without-label", _ERROR,
    "An object has references, and its namespace's manifest lacks the label `keyhole.dev/enabled: \"true\"`, or "
    'for variables `keyhole.dev/variables: "true"`.',
    "Without the first the API server does not ask Keyhole, and the text of the reference arrives in the cluster; "
    "without the second a workload with variables is refused.",
    "Label the namespace; `keyhole tenant NAMESPACE` prints what else it needs.",
)  # fmt: skip
UNKNOWN_NAME: Final = Rule(
    "KH205", "unknown-annotation", _ERROR,
    "An annotation in Keyhole's domain, or a label of a namespace there, means nothing to it.",
    "Most likely it is misspelt, and what it was to do does not happen.",
    "Correct its name, or remove it.",
)  # fmt: skip
BESIDE: Final = Rule(
    "KH206", "value-beside-annotation", _ERROR,
    "A key has a value, and an annotation fills the same key.",
    "Each apply brings the value from Git, and Keyhole replaces it; and the value can be read in Git.",
    "Remove the value; the annotation is enough.",
)  # fmt: skip
NO_SUCH_NAME: Final = Rule(
    "KH207", "name-that-no-annotation-can-have", _ERROR,
    "The name of this annotation is one that Kubernetes does not allow.",
    "The API server refuses the object.",
    "Fill the key by `keyhole.dev/fields` instead: `/data/KEY: vault:…`.",
)  # fmt: skip
FIXED: Final = Rule(
    "KH208", "filled-once", _WARNING,
    "A filled object cannot change, gets another name each time, or Argo CD ignores what its references are in.",
    "A new value in Vault, or a new reference in Git, does not reach it.",
    "Leave out `immutable` and `generateName`, or pin the version of the reference; the message says what else.",
)  # fmt: skip
WARNED: Final = Rule(
    "KH209", "admission-warns", _WARNING,
    "Admission takes this, with a warning.",
    "Something in it most likely does not do what it was written for.",
    "Do as the message says; it has the words of admission.",
)  # fmt: skip
COPIED: Final = Rule(
    "KH210", "copied-from-a-cluster", _WARNING,
    "What only Keyhole writes stands in a manifest.",
    "It was copied from a cluster. A client that applies it owns it then, and brings an old state back.",
    "Remove it; Keyhole writes it when the object is applied.",
)  # fmt: skip
TO_RENDER: Final = Rule(
    "KH211", "file-to-render", _WARNING,
    "A manifest of Cloud Foundry or a Compose file has references.",
    "Whoever takes it as it is hands the text of the reference to the app: only `keyhole render` puts a value there.",
    "Take variables: `cf push --vars-file <(keyhole render --vars-file vars.yml)`, `keyhole exec … docker compose up`.",
)  # fmt: skip
PLAINTEXT: Final = Rule(
    "KH301", "plaintext-secret", _WARNING,
    "A Secret in Git holds a value. An error where the namespace or the Secret uses Keyhole.",
    "Everybody who can read the repository can read the value, in its history too.",
    "Put the value into Vault and a reference here; then change the value, for it is known.",
)  # fmt: skip
GENERATED: Final = Rule(
    "KH302", "plaintext-generator", _ERROR,
    "A kustomization makes a Secret from values that stand in the repository.",
    "Everybody who can read the repository can read the values, in its history too.",
    "Write a Secret with references instead of the generator; then change the values.",
)  # fmt: skip
TOKEN: Final = Rule(
    "KH303", "token", _ERROR,
    "A text has the form of a token or an access key.",
    "Everybody who can read the repository can use it.",
    "Revoke the token first. Then put its successor into Vault and a reference here.",
)  # fmt: skip
URL_PASSWORD: Final = Rule(
    "KH304", "password-in-url", _ERROR,
    "A URL has a password in it.",
    "Everybody who can read the repository can use it.",
    "Change the password. Write the URL as text around a reference: `https://user:((vault:…))@host`.",
)  # fmt: skip
PRIVATE_KEY: Final = Rule(
    "KH305", "private-key", _ERROR,
    "A private key stands in the repository.",
    "Everybody who can read the repository can use it.",
    "Replace the key. Then put its successor into Vault and a reference here.",
)  # fmt: skip
FOREIGN: Final = Rule(
    "KH401", "reference-of-another-tool", _NOTE,
    "A reference of another tool: bank-vaults, argocd-vault-plugin, vals, or an operator's object.",
    "Two tools that bring values are two things to operate, and two places to look when a value does not arrive.",
    "`keyhole migrate` shows what would change, and says what cannot be converted; docs/migrate.md has the steps.",
)  # fmt: skip
NO_OWNER: Final = Rule(
    "KH501", "references-without-owner", _WARNING,
    "A file has references, and CODEOWNERS names nobody for it.",
    "Whoever may merge can have other secrets given to the application, without anybody having to agree.",
    "Add the file's folder to CODEOWNERS.",
)  # fmt: skip
NO_DIGEST: Final = Rule(
    "KH502", "image-without-digest", _WARNING,
    "The image of a container has no digest.",
    "What runs can change without a commit, and with it who has the secrets.",
    "Write `IMAGE:TAG@sha256:…`; Renovate and others keep it current.",
    is_off=True,
)  # fmt: skip

_EVERY = [each for each in list(globals().values()) if isinstance(each, Rule)]
RULES: Final[tuple[Rule, ...]] = tuple(sorted(_EVERY, key=lambda rule: rule.id))
"""All of them, by their ids."""
BY_ID: Final = {rule.id: rule for rule in RULES}
