"""Which tokens are believed, and whom they name. What forgers try, and what an issuer may do by mistake."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from changes.access.json_web_keys import JsonWebKeys, KeysUnreadable
from changes.access.tokens import MOST_CHARACTERS, IssuerSettings, Tokens
from changes.access.viewer import NotLetIn
from tests.changes.access.issuer import CLIENT, ISSUER, Issuer, public, rsa_key

HOUR = 3600
CANARY = "CANARY-of-the-token"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


def tokens(issuer: Issuer, **settings: Any) -> Tokens:
    return Tokens(IssuerSettings(issuer=ISSUER, client_id=CLIENT, **settings), JsonWebKeys(issuer.keys))


def refusal(known: Tokens, token: str) -> NotLetIn:
    with pytest.raises(NotLetIn) as caught:
        known.subject(token)
    return caught.value


def encoded(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def test_a_genuine_token_names_its_subject_as_the_api_server_does(issuer: Issuer) -> None:
    subject = tokens(issuer).subject(issuer.token())
    assert subject.username == f"{ISSUER}#alice"
    assert subject.groups == ("system:authenticated",)


@pytest.mark.parametrize(
    ("settings", "claims", "username"),
    [
        ({"username_prefix": "-"}, {}, "alice"),
        ({"username_prefix": "oidc:"}, {}, "oidc:alice"),
        ({"username_claim": "email"}, {"email": "a@b.example", "email_verified": True}, "a@b.example"),
        ({"username_claim": "email"}, {"email": "a@b.example"}, "a@b.example"),
        ({"username_claim": "name"}, {"name": "Ada"}, f"{ISSUER}#Ada"),
    ],
)
def test_names_have_the_prefix_that_the_api_server_gives_them(
    issuer: Issuer, settings: dict[str, Any], claims: dict[str, Any], username: str
) -> None:
    assert tokens(issuer, **settings).subject(issuer.token(**claims)).username == username


@pytest.mark.parametrize(
    ("told", "groups"),
    [
        (None, ()),
        ("one", ("g:one",)),
        (["one", "two"], ("g:one", "g:two")),
        ([], ()),
    ],
)
def test_groups_are_a_text_or_a_list(issuer: Issuer, told: object, groups: tuple[str, ...]) -> None:
    known = tokens(issuer, groups_claim="groups", groups_prefix="g:")
    assert known.subject(issuer.token(groups=told)).groups == (*groups, "system:authenticated")


def test_no_group_of_kubernetes_itself_comes_from_an_issuer(issuer: Issuer) -> None:
    known = tokens(issuer, groups_claim="groups")
    assert known.subject(issuer.token(groups=["system:masters", "team"])).groups == ("team", "system:authenticated")


@pytest.mark.parametrize("groups", [{"a": 1}, [1], ["a", None], 7, [["a"]]])
def test_groups_of_another_form_are_refused(issuer: Issuer, groups: object) -> None:
    assert refusal(tokens(issuer, groups_claim="groups"), issuer.token(groups=groups)).status == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "a@b.example", "email_verified": False},
        {"email": "a@b.example", "email_verified": "true"},
        {"email": ""},
        {"email": ["a@b.example"]},
        {},
    ],
)
def test_a_name_that_nobody_has_verified_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert refusal(tokens(issuer, username_claim="email"), issuer.token(**claims)).status == 401


def test_no_issuer_gives_the_names_of_kubernetes_itself(issuer: Issuer) -> None:
    known = tokens(issuer, username_prefix="-")
    assert "--oidc-username-prefix" in refusal(known, issuer.token(sub="system:admin")).message


def test_a_required_claim_has_to_be_there(issuer: Issuer) -> None:
    known = tokens(issuer, required_claims={"team": "one"})
    assert known.subject(issuer.token(team="one"))
    for token in (issuer.token(), issuer.token(team="two"), issuer.token(team=["one"])):
        assert "team" in refusal(known, token).message


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_the_key_may_sign_with_each_algorithm_of_its_kind(issuer: Issuer, algorithm: str) -> None:
    assert tokens(issuer).subject(issuer.token(algorithm=algorithm))


def test_a_curve_is_a_key_too(issuer: Issuer) -> None:
    assert tokens(issuer).subject(issuer.token(key=issuer.curve, algorithm="ES256", headers={"kid": "curve"}))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://other.example"}, "another issuer"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"aud": "other"}, "another audience"),
        ({"aud": ["other", "keyhole2"]}, "another audience"),
        ({"aud": None}, "lacks a claim"),
        ({"exp": None}, "lacks a claim"),
        ({"iss": None}, "lacks a claim"),
        ({"exp": int(time.time()) - HOUR}, "expired"),
        ({"nbf": int(time.time()) + HOUR}, "not valid yet"),
        ({"iat": int(time.time()) + HOUR}, "not valid yet"),
    ],
)
def test_a_signed_token_that_is_not_for_here_and_now_is_refused(
    issuer: Issuer, claims: dict[str, Any], why: str
) -> None:
    refused = refusal(tokens(issuer), issuer.token(sub=CANARY, **claims))
    assert refused.status == 401
    assert why in refused.message or "not one that the issuer has signed" in refused.message
    assert CANARY not in refused.message


def test_an_audience_among_others_will_do(issuer: Issuer) -> None:
    assert tokens(issuer).subject(issuer.token(aud=["other", CLIENT]))


@pytest.mark.parametrize("exp", ["soon", 1e400, {}, [], True, -1])
def test_a_time_that_is_none_is_refused(issuer: Issuer, exp: object) -> None:
    assert refusal(tokens(issuer), issuer.token(exp=exp)).status == 401


def test_forged_signatures_are_refused(issuer: Issuer) -> None:
    known, genuine = tokens(issuer), issuer.token(sub=CANARY)
    head, claims, signature = genuine.split(".")
    pem = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    odd: list[object] = ["none", None, 5, ["RS256"], {}]
    forged = [
        issuer.token(key=rsa_key()),
        issuer.token(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "curve"}),
        issuer.token(key=issuer.curve, algorithm="ES256"),  # the kid of the other key
        f"{head}.{claims}.",
        f"{head}.{claims}.{signature[:-2]}AA",
        f"{head}.{encoded({'iss': ISSUER, 'aud': CLIENT, 'sub': 'root', 'exp': int(time.time()) + HOUR})}.{signature}",
        *(f"{encoded({'alg': alg, 'kid': 'main'})}.{claims}." for alg in ("none", "None", "NONE", "nOnE", "")),
        *(f"{encoded({'alg': alg, 'kid': 'main'})}.{claims}.{signature}" for alg in odd),
        *(hmac_forged(issuer, pem + end, claims) for end in (b"", b"\n")),
    ]
    for token in forged:
        refused = refusal(known, token)
        assert (refused.status, refused.message) == (401, "the token is not one that the issuer has signed")


def hmac_forged(issuer: Issuer, pem: bytes, claims: str) -> str:
    """Return a token that is signed with the public key, taken for a secret."""
    head = encoded({"alg": "HS256", "kid": "main"})
    secret = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = secret.sign(f"{head}.{claims}".encode(), pem)
    return f"{head}.{claims}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": "../../../../dev/null"},
        {"kid": "/proc/self/environ"},
        {"kid": "https://evil.example/keys"},
        {"kid": "main' OR '1'='1"},
        {"kid": "main\u0000"},
        {"kid": ""},
        {"kid": "x" * 5000},
    ],
)
def test_the_name_of_a_key_is_never_a_place(issuer: Issuer, headers: dict[str, Any]) -> None:
    assert refusal(tokens(issuer), issuer.token(headers=headers)).status == 401


def test_a_token_brings_no_key_along(issuer: Issuer) -> None:
    own = rsa_key()
    brought: list[dict[str, Any]] = [
        {"jwk": public(own, "main")},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["AAAA"]},
    ]
    for headers in brought:
        assert refusal(tokens(issuer), issuer.token(key=own, headers=headers)).status == 401


def test_a_critical_header_that_nobody_knows_is_refused(issuer: Issuer) -> None:
    headers = {"crit": ["exp2"], "exp2": 1}
    assert refusal(tokens(issuer), issuer.token(headers=headers)).status == 401


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c",
        f"{encoded([])}.{encoded({})}.AA",
        f"{encoded({'alg': 'RS256'})}.{encoded([])}.AA",
        f"{encoded('{' * 900)}.{encoded({})}.AA",
        f"{encoded('[' * 9000)}.{encoded({})}.AA",
        f"{encoded({'alg': 'RS256'})}.\u00e9.AA",
        f"{encoded({'alg': 'RS256', 'kid': {}})}.{encoded({})}.AA",
        "A" * (MOST_CHARACTERS + 1),
        "\ud800.a.b",
    ],
)
def test_what_is_no_token_is_refused(issuer: Issuer, token: str) -> None:
    assert refusal(tokens(issuer), token).status == 401


def test_a_claim_that_stands_there_twice_is_refused(issuer: Issuer) -> None:
    """The issuer may sign what others let it write: the first or the last of the two would be somebody's choice."""
    for part, text in (
        ("claims", f'{{"iss":"{ISSUER}","aud":"{CLIENT}","sub":"a","sub":"b","exp":{int(time.time()) + HOUR}}}'),
        ("head", '{"alg":"RS256","kid":"main","kid":"main"}'),
    ):
        head, claims, _ = issuer.token().split(".")
        head, claims = (encoded(text), claims) if part == "head" else (head, encoded(text))
        algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
        signature = algorithm.sign(f"{head}.{claims}".encode(), issuer.key)
        token = f"{head}.{claims}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        assert refusal(tokens(issuer), token).status == 401


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_short_key_is_no_key() -> None:
    short = Issuer(key=rsa_key(1024))
    assert refusal(tokens(short), short.token()).status == 401


def test_a_key_is_used_with_its_own_algorithm_only(issuer: Issuer) -> None:
    known = Tokens(
        IssuerSettings(issuer=ISSUER, client_id=CLIENT),
        JsonWebKeys(lambda: [public(issuer.key, "main", alg="RS512")]),
    )
    assert known.subject(issuer.token(algorithm="RS512"))
    assert refusal(known, issuer.token(algorithm="RS256")).status == 401


def test_keys_that_cannot_be_read_are_no_fault_of_whoever_asks(issuer: Issuer) -> None:
    def unreadable() -> Any:
        raise KeysUnreadable("https://issuer.example/keys does not answer")

    known = Tokens(IssuerSettings(issuer=ISSUER, client_id=CLIENT), JsonWebKeys(unreadable))
    refused = refusal(known, issuer.token())
    assert refused.status == 503
    assert "does not answer" in refused.message
