"""Whom Keyhole trusts to vouch for a Vault server: the TLS contexts, made from bundles that were read before."""

import functools
import ssl


@functools.lru_cache(maxsize=32)
def tls_context(bundle: bytes | None) -> ssl.SSLContext:
    """Return the context that trusts the certificates of a CA bundle (PEM), or those of the system for None.

    The same bundle gives the same context, also to different connections: with hundreds of certificates, as the
    system's bundle has, it takes a tenth of a second to make. Raises `ssl.SSLError` when there is no certificate in the
    bundle, or one that is broken.
    """
    if bundle is None:
        return ssl.create_default_context()
    # The module takes ASCII only, and PEM is ASCII; what people write between certificates need not be. An empty text
    # would count as none at all, and have the system's certificates loaded.
    text = bundle.decode("ascii", errors="ignore") or "\n"
    return ssl.create_default_context(cadata=text)
