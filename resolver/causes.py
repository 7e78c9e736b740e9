"""Why Keyhole refuses an object: one enum, with what each cause means and what to do about it.

The metrics' labels, the answers of the webhook, the audit trail and the tables in the documentation all come from here.
A new cause is one member; `python -m resolver.document` then renews docs/references.md.
"""

from enum import StrEnum
from http import HTTPStatus
from typing import Final, Self

_DENIED: Final = HTTPStatus.FORBIDDEN
_LATER: Final = HTTPStatus.SERVICE_UNAVAILABLE
_RETRIED: Final = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})


class Cause(StrEnum):
    """The word that a refusal begins with. Scripts match these words, so they never change.

    `statuses` are the HTTP statuses of the refusal, the usual one first. `sentence` says what happened and `remedy`
    what to do about it, both in Markdown, for whoever reads the refusal.
    """

    statuses: tuple[HTTPStatus, ...]
    sentence: str
    remedy: str

    def __new__(cls, word: str, statuses: HTTPStatus | tuple[HTTPStatus, ...], sentence: str, remedy: str) -> Self:
        """Make a member that is the string `word`."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.statuses = statuses if isinstance(statuses, tuple) else (statuses,)
        member.sentence = sentence
        member.remedy = remedy
        return member

    @property
    def status(self) -> HTTPStatus:
        """The usual HTTP status of the refusal."""
        return self.statuses[0]

    @property
    def is_temporary(self) -> bool:
        """Whether a retry of the same object may work, as a rule: an error may know better (`TemporaryError`)."""
        return self.status in _RETRIED

    # What is written wrong.
    MALFORMED_REFERENCE = (
        "MalformedReference",
        _DENIED,
        "A reference, a field or an annotation is not written as it should be.",
        "Correct the text at the column that the message names. `keyhole resolve 'REFERENCE'` shows the place.",
    )
    REFERENCE_REFUSED = (
        "ReferenceRefused",
        _DENIED,
        "The reference is well formed, but this mount cannot answer it, such as a version on a KV v1 mount.",
        "Change the reference as the message says.",
    )
    UNKNOWN_CONNECTION = (
        "UnknownConnection",
        _DENIED,
        "The reference names a Vault connection that the administrator has not configured.",
        "Use one of the connections that the message lists, or ask the administrator for a new one.",
    )
    # Who may do what.
    NAMESPACE_NOT_ENABLED = (
        "NamespaceNotEnabled",
        _DENIED,
        "The namespace has not opted in to Keyhole.",
        "Label it with `keyhole.dev/enabled=true`. [Tenants](tenants.md) describes what else a namespace needs.",
    )
    VARIABLES_NOT_ENABLED = (
        "VariablesNotEnabled",
        _DENIED,
        "A workload asks for variables, and its namespace may not have any, or Keyhole runs without them.",
        "Label the namespace with `keyhole.dev/variables=true`. [Variables](variables.md) says what else is needed.",
    )
    REQUESTER_MAY_NOT_READ = (
        "RequesterMayNotRead",
        _DENIED,
        "Whoever applies the object may not `get` it, so Keyhole does not fill it for them either.",
        "Grant the user or the deployer `get` on Secrets in the namespace.",
    )
    IDENTITY_REFUSED = (
        "IdentityRefused",
        _DENIED,
        "The namespace has no ServiceAccount `keyhole`, or Keyhole may not create tokens for it.",
        "Apply the tenant bundle to the namespace (`keyhole tenant`, see [Tenants](tenants.md)).",
    )
    LOGIN_DENIED = (
        "LoginDenied",
        _DENIED,
        "Vault refuses the namespace's ServiceAccount its role. The message has the reason, as far as Vault gives one.",
        "Run the command from the message. `keyhole tenant --vault` prints the role that is needed.",
    )
    TOKEN_USES_TOO_FEW = (
        "TokenUsesTooFew",
        _DENIED,
        "The role gives tokens for so few uses that this object would take more than 32 logins.",
        "Set `token_num_uses=0` in the Vault role.",
    )
    PERMISSION_DENIED = (
        "PermissionDenied",
        (_DENIED, _LATER),
        (
            "The role may not read the path, or there is no such mount: Vault does not tell which. With status 503 the "
            "token may be older than a change of its role."
        ),
        (
            "Add the policy line from the message to the role's policy, if there is a line for this path alone. "
            "After a 503, try again when the message says that Keyhole logs in again."
        ),
    )
    PATH_NOT_ALLOWED = (
        "PathNotAllowed",
        _DENIED,
        "The `allow` patterns of the connection do not cover this path for this namespace. Vault was not asked.",
        "Use a path that is allowed, or ask the administrator to extend the patterns.",
    )
    # What Vault holds.
    SECRET_NOT_FOUND = (
        "SecretNotFound",
        _DENIED,
        "Vault has nothing at this path, or the version does not exist or is deleted.",
        "Check the path and the version with `vault kv get`, or write the secret first.",
    )
    FIELD_NOT_FOUND = (
        "FieldNotFound",
        _DENIED,
        "The secret exists, but it lacks the field, or the field is null.",
        "Check the field's name with `vault kv get`, or give the reference a `default`.",
    )
    NOT_A_KEY_VALUE_MOUNT = (
        "NotAKeyValueMount",
        _DENIED,
        "The path lies on a mount of another engine. Keyhole reads KV v1 and KV v2.",
        "Refer to a secret on a KV mount.",
    )
    VAULT_REFUSED = (
        "VaultRefused",
        _DENIED,
        "Vault refused the request with a status that no retry changes.",
        "Look up the request in Vault's audit log. The message has the status.",
    )
    # What does not fit.
    ANSWER_TOO_LARGE = (
        "AnswerTooLarge",
        _DENIED,
        (
            "Vault's answer for one path has more than 2 MiB, or as JSON more than 100,000 parts (commas and opening "
            "brackets); or the answers for all paths of the object have more than 8 MiB together."
        ),
        "Split the secret in Vault, or spread the references over several objects.",
    )
    TOO_MUCH_WORK = (
        "TooMuchWork",
        _DENIED,
        (
            "Evaluating the references would keep other requests waiting: it takes more than about half a second, "
            "estimated from the sizes of the texts that functions work on."
        ),
        "Shorten those texts, store what is needed in fields of their own, or use several objects.",
    )
    SECRET_TOO_LARGE = (
        "SecretTooLarge",
        _DENIED,
        "The object's values have more than 1 MiB together, which is the most that Kubernetes stores.",
        "Spread the fields over several Secrets.",
    )
    VALUE_TOO_LARGE = (
        "ValueTooLarge",
        _DENIED,
        "With its values filled in, one field is larger than a field may be.",
        "Refer to a smaller value, or spread it over several fields.",
    )
    RECORD_TOO_LARGE = (
        "RecordTooLarge",
        _DENIED,
        "With Keyhole's record, the object's annotations would have more than the 256 KiB that Kubernetes allows.",
        "Spread the references over several objects.",
    )
    FUNCTION_FAILED = (
        "FunctionFailed",
        _DENIED,
        "A function of the reference cannot work on the value, such as `json` on a text that is not JSON.",
        "Compare the value in Vault with what the function expects; the message says what that is.",
    )
    VALUE_NOT_TEXT = (
        "ValueNotText",
        _DENIED,
        "The value is not UTF-8 text and stands in a place that takes nothing else.",
        "Fill a field of its own with it, or encode it with `base64`.",
    )
    VALUE_LOOKS_LIKE_REFERENCE = (
        "ValueLooksLikeReference",
        _DENIED,
        "The value from Vault itself reads as a reference, so that every copy of the object would resolve it again.",
        "Write the reference in an annotation (`data.keyhole.dev/KEY` or `keyhole.dev/fields`).",
    )
    # What may pass.
    VAULT_UNAVAILABLE = (
        "VaultUnavailable",
        _LATER,
        "Vault is sealed, unreachable, slow or rate limited, too many wait for it, or its CA bundle cannot be used.",
        "Try again. If it lasts, the message says what Vault does; see [Availability](availability.md).",
    )
    KUBERNETES_UNAVAILABLE = (
        "KubernetesUnavailable",
        _LATER,
        "The Kubernetes API server did not answer Keyhole.",
        "Try again. If it lasts, check the way from Keyhole's pods to the API server.",
    )
    KUBERNETES_REFUSED = (
        "KubernetesRefused",
        _DENIED,
        "The Kubernetes API server does not let Keyhole look up what it needs.",
        "Check that the ClusterRole and the binding of Keyhole's chart are in place.",
    )
    DEADLINE_EXCEEDED = (
        "DeadlineExceeded",
        _LATER,
        "The time that the API server gives a webhook was used up.",
        "Try again. If it lasts, Vault is slow, or `timeoutSeconds` of the webhook is short.",
    )
    OVERLOADED = (
        "Overloaded",
        (HTTPStatus.TOO_MANY_REQUESTS, _LATER),
        (
            "The namespace has [too much under way](configuration.md#the-server), or other objects with large values "
            "leave no memory for this one."
        ),
        (
            "Try again; clients of Kubernetes do that by themselves. If it lasts, apply fewer objects at once or run "
            "more replicas."
        ),
    )
    RECORD_KEY_UNAVAILABLE = (
        "RecordKeyUnavailable",
        _LATER,
        "Keyhole has no key for its records yet, or [could not read it for ten minutes](key-rotation.md).",
        "Check that `keyhole controller` runs: it makes the key. Then try again.",
    )
    AUDIT_UNAVAILABLE = (
        "AuditUnavailable",
        _LATER,
        "The [audit trail](audit.md) cannot be written, and nothing happens that it cannot account for.",
        "Check the disk that it is written to. A retry works once there is room.",
    )
    MALFORMED_REVIEW = (
        "MalformedReview",
        HTTPStatus.BAD_REQUEST,
        "The request is not an AdmissionReview v1, or holds half of a surrogate pair.",
        "An API server sends nothing of the kind unless the object itself holds the broken character: remove it.",
    )
    INTERNAL_ERROR = (
        "InternalError",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "A bug in Keyhole.",
        "Look for the request's uid in Keyhole's log, and report what stands there.",
    )
