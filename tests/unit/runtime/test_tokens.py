"""Access and refresh tokens: what we sign we read; whatever else somebody brings is refused without a reason."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest

from payme.kit.ids import new_id
from payme.runtime.security import AccessClaims, InvalidToken, RefreshClaims, TokenSigner
from payme.runtime.security.keys import derive_key

SECRET = "Zq8-wLr2_Vt6yPn4sKd9xHb1mGc5jFa7"
OTHER = "another-secret-of-more-than-32-characters"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
USER, SESSION, BUSINESS = new_id(), new_id(), new_id()
SIGNER = TokenSigner(SECRET)
KEY = derive_key(SECRET.encode(), "jwt signature")


def access(signer: TokenSigner = SIGNER, *, now: datetime = NOW, seconds: int = 900) -> str:
    return signer.sign_access(
        user_id=USER,
        session_id=SESSION,
        session_version=3,
        now=now,
        seconds=seconds,
        bound_to={"business_id": BUSINESS},
    )


def refresh(signer: TokenSigner = SIGNER, *, token_id: UUID | None = None) -> str:
    token_id = token_id or new_id()
    return signer.sign_refresh(user_id=USER, session_id=SESSION, token_id=token_id, now=NOW, seconds=604_800)


def encode(part: object) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def header_of(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def forge(
    *, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None, key: bytes = KEY, without: str = ""
) -> str:
    """Sign our own token anew with other contents, by default with the right key; None removes a header."""
    base = access()
    head = {name: value for name, value in {**header_of(base), **(header or {})}.items() if value is not None}
    body = {name: value for name, value in {**claims_of(base), **(claims or {})}.items() if name != without}
    signed = f"{encode(head)}.{encode(body)}"
    return f"{signed}.{encode(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def flipped() -> str:
    head, body, signature = access().split(".")
    return f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


STAMP = int(NOW.timestamp())
FORGED: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no token at all": lambda: "hello",
    "two parts": lambda: access().rpartition(".")[0],
    "four parts": lambda: access() + ".x",
    "no JSON inside": lambda: f"{encode(b'{')}.{encode(b'{')}.x",
    "no object inside": lambda: f"{encode(header_of(access()))}.{encode([1])}.x",
    "a NUL and letters beyond ASCII": lambda: "\0\u20ac." + access(),
    "a megabyte": lambda: access() + "A" * 1_000_000,
    "signature flipped": flipped,
    "signature gone": lambda: access().rpartition(".")[0] + ".",
    "contents changed under the old signature": lambda: ".".join(
        [access().split(".")[0], encode({**claims_of(access()), "sub": str(new_id())}), access().split(".")[2]]
    ),
    "alg none": lambda: forge(header={"alg": "none"}).rpartition(".")[0] + ".",
    "alg None in capitals": lambda: forge(header={"alg": "NONE"}),
    "alg HS512": lambda: jwt.encode(
        claims_of(access()), KEY, algorithm="HS512", headers={"kid": header_of(access())["kid"]}
    ),
    "alg RS256 with our secret": lambda: forge(header={"alg": "RS256"}),
    "alg missing": lambda: forge(header={"alg": None}),
    "the secret itself as key": lambda: forge(key=SECRET.encode()),
    "the public key id as key": lambda: forge(key=header_of(access())["kid"].encode()),
    "an empty key": lambda: forge(key=b""),
    "kid missing": lambda: forge(header={"kid": None}),
    "kid unknown": lambda: forge(header={"kid": "0123456789ab"}),
    "kid a path": lambda: forge(header={"kid": "../../../../dev/null"}, key=b""),
    "kid SQL": lambda: forge(header={"kid": "x' union select 'key"}, key=b"key"),
    "kid a list": lambda: forge(header={"kid": ["a"]}),
    "jku": lambda: forge(header={"jku": "https://evil.example/keys"}),
    "x5u": lambda: forge(header={"x5u": "https://evil.example/cert"}),
    "jwk": lambda: forge(header={"jwk": {"kty": "oct", "k": encode(KEY)}}),
    "crit": lambda: forge(header={"crit": ["exp"]}),
    "another type of token": lambda: forge(header={"typ": "at+jwt"}),
    "issued by somebody else": lambda: forge(claims={"iss": "evil"}),
    "for another audience": lambda: forge(claims={"aud": "other-api"}),
    "for us and others": lambda: forge(claims={"aud": ["payme-api", "other-api"]}),
    "a refresh token": refresh,
    "kind missing": lambda: forge(without="typ"),
    "expired a second ago": lambda: forge(claims={"exp": STAMP - 1}),
    "expiring now": lambda: forge(claims={"exp": STAMP}),
    "never expiring": lambda: forge(without="exp"),
    "expiry as text": lambda: forge(claims={"exp": str(STAMP + 900)}),
    "expiry infinite": lambda: forge(claims={"exp": 1e400}),
    "expiry true": lambda: forge(claims={"exp": True}),
    "not yet valid": lambda: forge(claims={"nbf": STAMP + 60}),
    "issued in the future": lambda: forge(claims={"iat": STAMP + 60}),
    "session missing": lambda: forge(without="sid"),
    "session version missing": lambda: forge(without="sv"),
    "session version as text": lambda: forge(claims={"sv": "3"}),
    "session version true": lambda: forge(claims={"sv": True}),
    "subject a number": lambda: forge(claims={"sub": 7}),
    "subject no id": lambda: forge(claims={"sub": "admin"}),
    "business no id": lambda: forge(claims={"business_id": "*"}),
    "token id missing": lambda: forge(without="jti"),
    "signed with another secret": lambda: access(TokenSigner(OTHER)),
}


def test_an_access_token_says_what_was_signed() -> None:
    claims = SIGNER.read_access(access(), now=NOW)
    assert claims == AccessClaims(
        user_id=USER,
        session_id=SESSION,
        session_version=3,
        token_id=claims.token_id,
        expires_at=NOW + timedelta(minutes=15),
        business_id=BUSINESS,
    )
    assert access() == access(), "a repeated refresh repeats its answer"


def test_a_refresh_token_says_what_was_signed() -> None:
    token_id = new_id()
    claims = SIGNER.read_refresh(refresh(token_id=token_id), now=NOW)
    assert claims == RefreshClaims(USER, SESSION, token_id, NOW + timedelta(days=7))


def test_the_forger_forges_well() -> None:
    assert SIGNER.read_access(forge(), now=NOW).user_id == USER


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused_without_a_reason(name: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        SIGNER.read_access(FORGED[name](), now=NOW)
    assert str(caught.value) == "The token is not valid."
    assert caught.value.facts == {}


def test_an_access_token_does_not_refresh() -> None:
    with pytest.raises(InvalidToken):
        SIGNER.read_refresh(access(), now=NOW)


def test_a_token_ends_on_the_second() -> None:
    assert SIGNER.read_access(access(), now=NOW + timedelta(seconds=899))
    with pytest.raises(InvalidToken):
        SIGNER.read_access(access(), now=NOW + timedelta(seconds=900))


def test_a_clock_slightly_behind_still_reads_a_fresh_token() -> None:
    assert SIGNER.read_access(access(), now=NOW - timedelta(seconds=4))


def test_secrets_rotate_without_ending_sessions() -> None:
    old = access(TokenSigner(SECRET))
    during, after = TokenSigner(OTHER, SECRET), TokenSigner(OTHER)
    assert during.read_access(old, now=NOW).user_id == USER
    assert after.read_access(access(during), now=NOW).user_id == USER
    with pytest.raises(InvalidToken):
        after.read_access(old, now=NOW)


def test_deployments_with_different_issuers_do_not_accept_each_other() -> None:
    with pytest.raises(InvalidToken):
        TokenSigner(SECRET, issuer="staging").read_access(access(), now=NOW)
