"""The headers of every answer: nothing is run, framed, kept or passed on.

Sources: W3C *Content Security Policy Level 3*; OWASP *HTTP Headers Cheat Sheet*; the Fetch and HTML standards for
`Cross-Origin-Resource-Policy` and `Cross-Origin-Opener-Policy`.
"""

from typing import Final

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
"""`X-Frame-Options` repeats `frame-ancestors` for browsers that do not know it."""
