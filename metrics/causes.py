"""The words that refusals begin with. A test holds them against the code that refuses."""

from typing import Final

OTHER: Final = "Other"
CAUSES: Final = frozenset(
    {
        "AnswerTooLarge",
        "AuditUnavailable",
        "DeadlineExceeded",
        "FieldNotFound",
        "FunctionFailed",
        "IdentityRefused",
        "InternalError",
        "KubernetesRefused",
        "KubernetesUnavailable",
        "LoginDenied",
        "MalformedReference",
        "MalformedReview",
        "NamespaceNotEnabled",
        "NotAKeyValueMount",
        "Overloaded",
        "PathNotAllowed",
        "PermissionDenied",
        "RecordKeyUnavailable",
        "RecordTooLarge",
        "ReferenceRefused",
        "RequesterMayNotRead",
        "SecretNotFound",
        "SecretTooLarge",
        "TooMuchWork",
        "TokenUsesTooFew",
        "UnknownConnection",
        "ValueLooksLikeReference",
        "ValueNotText",
        "ValueTooLarge",
        "VaultRefused",
        "VaultUnavailable",
    }
)


def cause_word(cause: str) -> str:
    """Return a cause as a label holds it."""
    return cause if cause in CAUSES else OTHER
