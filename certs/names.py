"""The names in a serving certificate."""

import ipaddress
import re
from collections.abc import Sequence

from cryptography import x509

from certs.errors import InvalidNameError

CLUSTER_DOMAIN = "cluster.local"

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_DNS_NAME_CHARACTERS = 253


def service_names(service: str, namespace: str) -> tuple[str, ...]:
    """Return the four names by which a Service is reached inside its cluster, the shortest first.

    The API server dials a webhook as `SERVICE.NAMESPACE.svc`. Raises InvalidNameError when one of the two is
    no DNS label. Source: Kubernetes, "DNS for Services and Pods".
    """
    for label in (service, namespace):
        if not _LABEL.fullmatch(label):
            raise InvalidNameError(label, "is not a DNS label: small letters, digits and '-', at most 63 characters")
    return (
        service,
        f"{service}.{namespace}",
        f"{service}.{namespace}.svc",
        f"{service}.{namespace}.svc.{CLUSTER_DOMAIN}",
    )


def alternative_names(names: Sequence[str]) -> tuple[x509.DNSName | x509.IPAddress, ...]:
    """Return host names and IP addresses as subject alternative names, in order and without repetitions.

    Host names are compared and written in small letters. Raises InvalidNameError on no name at all, or on
    one that is neither an address nor a host name. Source: RFC 5280 section 4.2.1.6, RFC 1123 section 2.1.
    """
    if not names:
        raise InvalidNameError("", "is not enough: a serving certificate needs at least one name")
    return tuple(dict.fromkeys(_alternative_name(name) for name in names))


def _alternative_name(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return x509.DNSName(_host_name(name))
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise InvalidNameError(name, "has a zone, which means something on one machine only")
    return x509.IPAddress(address)


def _host_name(name: str) -> str:
    # A certificate for *.svc would be valid for every Service of the cluster.
    if "*" in name:
        raise InvalidNameError(name, "is a wildcard: name each host")
    # Lower-casing first would turn the Kelvin sign into a plain k.
    if not name.isascii():
        raise InvalidNameError(name, "is not ASCII: write international names in their xn-- form")
    lowered = name.lower()
    if len(lowered) > _DNS_NAME_CHARACTERS:
        raise InvalidNameError(name, f"is longer than {_DNS_NAME_CHARACTERS} characters")
    labels = lowered.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidNameError(name, "is neither a host name nor an IP address")
    # RFC 1123: the last label is never all digits. That tells a host name from a mistyped address.
    if labels[-1].isdigit():
        raise InvalidNameError(name, "looks like an IP address but is none")
    return lowered
