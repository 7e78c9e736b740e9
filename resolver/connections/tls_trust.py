"""TLS contexts for connections to Vault, made from CA bundles that have been read before."""

import functools
import ssl


@functools.lru_cache(maxsize=32)
def tls_context(bundle: bytes | None) -> ssl.SSLContext:
    """Return the context that trusts the certificates of a CA bundle (PEM), or for None those of the system.

    Connections with the same bundle share a context, because creating one takes a tenth of a second with hundreds of
    certificates, as in the system's bundle. Raises `ssl.SSLError` if the bundle has no certificate, or a broken one.
    """
    if bundle is None:
        return ssl.create_default_context()
    # The module accepts ASCII only. PEM is ASCII, but what people write between certificates need not be. An empty text
    # would count as no bundle, and load the certificates of the system.
    text = bundle.decode("ascii", errors="ignore") or "\n"
    return ssl.create_default_context(cadata=text)
