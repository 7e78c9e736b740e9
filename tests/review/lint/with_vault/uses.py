"""Uses of references, as a tree has them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from manifests.fields.scan import Form
from resolver.connections.model import Authentication, Connection, Retries
from resolver.inspection import Inspector
from resolver.references.grammar import parse_reference
from resolver.references.reference import Reference
from resolver.references.value import SecretValue
from resolver.vault.socket_watch import SocketWatch
from review.findings.finding import ObjectName
from review.lint.uses import Spot, Use
from review.sources.text import Place

TOKEN = "hvs.s3cr3t-token-of-mine"


def use(text: str, namespace: str = "shop", line: int = 1) -> Use:
    """Return the use of one reference; a path alone stands for all of its fields."""
    reference = parse_reference(text) if "#" in text else Reference(text.removeprefix("vault:"), "")
    name = ObjectName("", "Secret", namespace, "app")
    return Use(Spot(name, Place("a.yaml", line), "/data/x"), Form.ANNOTATION, reference, name)


@contextmanager
def inspector(address: str, timeout_seconds: float = 5.0) -> Iterator[Inspector]:
    """Return what asks a server, with a token and without repetitions."""
    auth = Authentication(method="jwt", role="unused")
    retries = Retries(attempts=0)
    connection = Connection(address=address, auth=auth, timeout_seconds=timeout_seconds, retries=retries)
    with closing(SocketWatch()) as watch, closing(Inspector(connection, watch)) as found:
        found.use(SecretValue(TOKEN))
        yield found
