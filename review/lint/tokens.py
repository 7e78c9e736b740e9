"""Secrets by their own form: tokens, passwords in URLs, private keys. Neither entropy nor names are judged.

A format is what its issuer documents: a prefix that nothing else has, an alphabet, a length. A text of one and the same
few letters, or with EXAMPLE in it, is a sample of a manual.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from review.findings.rule import Rule
from review.lint.catalogue import PRIVATE_KEY, TOKEN, URL_PASSWORD
from review.lint.placeholders import is_placeholder

# A shorter text in base64 holds no token.
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_BASE64_TEXT = re.compile(r"[A-Za-z0-9+/\s]++={0,2}\s*+")
_FEWEST_LETTERS = 8
_SHORTEST = 20
_SAMPLE = re.compile(r"EXAMPLE|(?<![a-z])example(?![a-z])", re.ASCII)
_HIDDEN = "(hidden)"


# Most files hold none of these, and a start must be quick.
_compiled = lru_cache(maxsize=None)(re.compile)


@dataclass(frozen=True, slots=True)
class Format:
    """One form of secret. A text can only have it if it contains one of `needles`. `group` is the part that varies."""

    name: str
    needles: tuple[str, ...]
    pattern: str = field(repr=False)
    rule: Rule = TOKEN

    def may_be_in(self, text: str) -> bool:
        """Whether a text has what it takes to hold a secret of this form. A search for a few characters."""
        return any(needle in text for needle in self.needles)

    def looks_to_be_in(self, text: str) -> bool:
        """Whether something in a text has this form, a sample or a placeholder maybe."""
        return _compiled(self.pattern).search(text) is not None

    def is_in(self, text: str) -> bool:
        """Whether a text contains a secret of this form, and not only a sample or a placeholder."""
        return any(self._is_secret(found) for found in _compiled(self.pattern).finditer(text))

    def _is_secret(self, found: re.Match[str]) -> bool:
        secret = found["secret"]
        if self.rule is URL_PASSWORD:
            return not is_placeholder(secret) and not _is_masked(secret)
        return len(set(secret)) >= _FEWEST_LETTERS and not _SAMPLE.search(found.group())


def _token(name: str, pattern: str, *needles: str) -> Format:
    return Format(name, needles, rf"(?<![A-Za-z0-9_-]){pattern}(?![A-Za-z0-9_])")


# Each `secret` group is what varies. Longer than the shortest that is issued, so that no word has the form by chance.
FORMATS: Final[Sequence[Format]] = (
    _token("a GitHub token", r"gh[pousr]_(?P<secret>[A-Za-z0-9]{36,})", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _token("a GitHub token", r"github_pat_(?P<secret>[A-Za-z0-9]{22}_[A-Za-z0-9]{59})", "github_pat_"),
    _token(
        "a GitLab token",
        r"gl(?:pat|dt|rt|ptt|ft|imt|agent|oas|cbt|soat)-(?P<secret>[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9.]{9,})?)",
        *("glpat-", "gldt-", "glrt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glcbt-", "glsoat-"),
    ),
    _token("an AWS access key", r"(?:AKIA|ASIA)(?P<secret>[A-Z2-7]{16})", "AKIA", "ASIA"),
    _token("a Slack token", r"xox[abeprs]-(?P<secret>[A-Za-z0-9-]{24,})", "xox"),
    _token("a Slack token", r"xapp-\d-(?P<secret>[A-Za-z0-9-]{40,})", "xapp-"),
    _token(
        "a Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/]{36,})",
        "hooks.slack.com/",
    ),
    _token(
        "a Discord webhook",
        r"discord(?:app)?\.com/api/webhooks/\d{16,20}/(?P<secret>[A-Za-z0-9_-]{60,})",
        "/api/webhooks/",
    ),
    _token("a Stripe key", r"[rs]k_(?:live|test)_(?P<secret>[A-Za-z0-9]{24,})", "k_live_", "k_test_"),
    _token("a SendGrid key", r"SG\.(?P<secret>[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})", "SG."),
    _token("an npm token", r"npm_(?P<secret>[A-Za-z0-9]{36})", "npm_"),
    _token("a PyPI token", r"pypi-AgE(?P<secret>[A-Za-z0-9_-]{50,})", "pypi-AgE"),
    _token("a RubyGems key", r"rubygems_(?P<secret>[a-f0-9]{48})", "rubygems_"),
    _token("a Google API key", r"AIza(?P<secret>[A-Za-z0-9_-]{35})", "AIza"),
    _token("a Google OAuth secret", r"GOCSPX-(?P<secret>[A-Za-z0-9_-]{28})", "GOCSPX-"),
    _token("a Google OAuth token", r"ya29\.(?P<secret>[A-Za-z0-9_-]{40,})", "ya29."),
    Format(
        "an Azure storage key",
        ("AccountKey=", "SharedAccessKey="),
        r"(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{43,86}={1,2})",
    ),
    _token("a DigitalOcean token", r"do[opr]_v1_(?P<secret>[a-f0-9]{64})", "dop_v1_", "doo_v1_", "dor_v1_"),
    _token("a Docker Hub token", r"dckr_[po]at_(?P<secret>[A-Za-z0-9_-]{27,})", "dckr_pat_", "dckr_oat_"),
    _token("a Vault token", r"hv[bsr]\.(?P<secret>[A-Za-z0-9_-]{24,})", "hvs.", "hvb.", "hvr."),
    _token("a Terraform token", r"[A-Za-z0-9]{14}\.atlasv1\.(?P<secret>[A-Za-z0-9_-]{60,})", ".atlasv1."),
    _token("a Pulumi token", r"pul-(?P<secret>[a-f0-9]{40})", "pul-"),
    _token(
        "a Doppler token", r"dp\.(?:pt|st|ct|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?(?P<secret>[A-Za-z0-9]{40,44})", "dp."
    ),
    _token("a Databricks token", r"dapi(?P<secret>[a-f0-9]{32})(?:-\d)?", "dapi"),
    _token("a Grafana token", r"gl(?:sa|c)_(?P<secret>[A-Za-z0-9+/=_]{32,})", "glsa_", "glc_"),
    _token("a Hugging Face token", r"hf_(?P<secret>[A-Za-z0-9]{34,})", "hf_"),
    _token(
        "a Shopify token", r"shp(?:at|ca|pa|ss)_(?P<secret>[a-fA-F0-9]{32})", "shpat_", "shpca_", "shppa_", "shpss_"
    ),
    _token("a Linear key", r"lin_(?:api|oauth)_(?P<secret>[A-Za-z0-9]{40,})", "lin_api_", "lin_oauth_"),
    _token("an Atlassian token", r"ATATT3(?P<secret>[A-Za-z0-9_=-]{60,})", "ATATT3"),
    _token("a Telegram token", r"\d{8,10}:AA(?P<secret>[A-Za-z0-9_-]{33})", ":AA"),
    _token("an age key", r"AGE-SECRET-KEY-1(?P<secret>[0-9A-Z]{58})", "AGE-SECRET-KEY-1"),
    _token(
        "a signed token (JWT)",
        r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.(?P<secret>[A-Za-z0-9_-]{20,})",
        ".eyJ",
    ),
    Format(
        "a password in a URL",
        ("://",),
        # RFC 3986, section 3.2. A reference in its place has a slash, and then this is no password.
        r"(?<=[A-Za-z0-9+.-])://[^\s/?#\"'<>@:]*+:(?P<secret>[^\s/?#\"'@]++)@[A-Za-z0-9\[$({<]",
        URL_PASSWORD,
    ),
    Format(
        "a private key",
        ("PRIVATE KEY",),
        # A header alone is in every manual; what follows it is the key. Headers of its own may stand between.
        r"-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r)*+"
        r"(?:[A-Za-z-]{1,40}+: [^\n\\]{0,200}+(?:\s|\\n|\\r)++){0,8}+(?P<secret>[A-Za-z0-9+/=]{16,})",
        PRIVATE_KEY,
    ),
)
_NEEDLES = tuple((needle, form) for form in FORMATS for needle in form.needles)
# A token is one word, and none is shorter than an AWS access key. The other two are not so.
_SHORTEST_TOKEN = 20
_OF_LINES = tuple((needle, form) for needle, form in _NEEDLES if form.rule is not TOKEN)
_OF_WORDS = tuple((needle, form) for needle, form in _NEEDLES if form.rule is TOKEN)


def suspects(text: str) -> Sequence[Format]:
    """Return the forms that a file's text may hold, or something in base64 in it. Quick, and says so too often."""
    if "\\" in text:
        return FORMATS  # an escape may spell anything
    # Without escapes, each line of a value stands in the file as it is. Most words are too short for a token.
    long_words = "\n".join([word for word in text.split() if len(word) >= _SHORTEST_TOKEN])
    found = [form for needle, form in _OF_WORDS if needle in long_words and form.looks_to_be_in(long_words)]
    found += [form for needle, form in _OF_LINES if needle in text and form.looks_to_be_in(text)]
    for run in _BASE64.findall(long_words):
        if decoded := _decoded(run):
            found += [form for needle, form in _NEEDLES if needle in decoded and form.looks_to_be_in(decoded)]
    return list(dict.fromkeys(found)) if found else ()


def forms(text: str, among: Sequence[Format] = FORMATS) -> Iterator[Format]:
    """Yield the forms of secrets that a text holds, or that its base64 holds if it is such."""
    texts = [text]
    if len(text) >= _FEWEST_LETTERS * 3 and _BASE64_TEXT.fullmatch(text) and (decoded := _decoded(text)):
        texts.append(decoded)
    for each in texts:
        for form in among:
            if form.may_be_in(each) and form.is_in(each):
                yield form


def shown(name: str) -> str:
    """Return a name that somebody chose, such as a key, unless it is itself a secret by its form."""
    if len(name) < _SHORTEST and "://" not in name:
        return name
    return _HIDDEN if any(forms(name)) else name


def _decoded(text: str) -> str:
    """Return what a text in base64 stands for, as far as it is text; empty if it is not base64."""
    compact = "".join(text.split()).rstrip("=")
    try:
        raw = base64.b64decode(compact + "=" * (-len(compact) % 4))
    except (binascii.Error, ValueError):
        return ""
    return raw.decode("utf-8", errors="ignore")


def _is_masked(password: str) -> bool:
    """Whether a password in a URL is there for the eye only."""
    return len(set(password)) == 1 or password.startswith("%")
