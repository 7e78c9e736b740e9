"""Whom Keyhole trusts to vouch for a Vault server: the TLS contexts, made from bundles that were read before."""

import functools
import ssl


def tls_context(bundle: bytes | None) -> ssl.SSLContext:
    """Return a context that trusts the certificates of a CA bundle (PEM), or those of the system for None.

    Raises `ssl.SSLError` when there is no certificate in the bundle, or one that is broken.
    """
    if bundle is None:
        return _of_the_system()
    # The module takes ASCII only, and PEM is ASCII; what people write between certificates need not be. An empty text
    # would count as none at all, and have the system's certificates loaded.
    text = bundle.decode("ascii", errors="ignore") or "\n"
    return ssl.create_default_context(cadata=text)


@functools.cache
def _of_the_system() -> ssl.SSLContext:
    """Read the system's bundle once for all connections: with its hundreds of certificates that takes a while."""
    return ssl.create_default_context()
