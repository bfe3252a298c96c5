"""Tokens that are not ours, made from one that is: every way of forging a JWT that a test tries, unit and route alike."""

import base64
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt

from payme.kit.ids import new_id
from payme.runtime.security import TokenSigner
from payme.runtime.security.keys import derive_key

OTHER = "another-secret-of-more-than-32-characters"


@dataclass(frozen=True)
class Forger:
    """Somebody who holds a token of ours, knows our secret for those forgeries that need it, and changes one thing at a time."""

    base: str
    refresh: str
    secret: str
    now: datetime

    @property
    def key(self) -> bytes:
        return derive_key(self.secret.encode(), "jwt signature")

    def forge(
        self,
        *,
        header: dict[str, Any] | None = None,
        claims: dict[str, Any] | None = None,
        key: bytes | None = None,
        without: str = "",
        digest: str = "sha256",
    ) -> str:
        """Sign the token anew with other contents, by default with the right key; None removes a header."""
        head = {name: value for name, value in {**header_of(self.base), **(header or {})}.items() if value is not None}
        body = {name: value for name, value in {**claims_of(self.base), **(claims or {})}.items() if name != without}
        signed = f"{encode(head)}.{encode(body)}"
        return f"{signed}.{encode(hmac.digest(self.key if key is None else key, signed.encode(), digest))}"

    def flipped(self) -> str:
        head, body, signature = self.base.split(".")
        return f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"

    def forgeries(self) -> dict[str, str]:
        """Return every forgery by what is wrong with it."""
        base, stamp = self.base, int(self.now.timestamp())
        return {
            "empty": "",
            "no token at all": "hello",
            "two parts": base.rpartition(".")[0],
            "four parts": base + ".x",
            "no JSON inside": f"{encode(b'{')}.{encode(b'{')}.x",
            "no object inside": f"{encode(header_of(base))}.{encode([1])}.x",
            "a NUL and letters beyond ASCII": "\0\u20ac." + base,
            "a megabyte": base + "A" * 1_000_000,
            "signature flipped": self.flipped(),
            "signature gone": base.rpartition(".")[0] + ".",
            "contents changed under the old signature": ".".join(
                [base.split(".")[0], encode({**claims_of(base), "sub": str(new_id())}), base.split(".")[2]]
            ),
            "alg none": self.forge(header={"alg": "none"}).rpartition(".")[0] + ".",
            "alg None in capitals": self.forge(header={"alg": "NONE"}),
            "alg HS512": self.forge(header={"alg": "HS512"}, digest="sha512"),
            "alg RS256 with our secret": self.forge(header={"alg": "RS256"}),
            "alg missing": self.forge(header={"alg": None}),
            "the secret itself as key": self.forge(key=self.secret.encode()),
            "the public key id as key": self.forge(key=header_of(base)["kid"].encode()),
            "an empty key": self.forge(key=b""),
            "kid missing": self.forge(header={"kid": None}),
            "kid unknown": self.forge(header={"kid": "0123456789ab"}),
            "kid a path": self.forge(header={"kid": "../../../../dev/null"}, key=b""),
            "kid SQL": self.forge(header={"kid": "x' union select 'key"}, key=b"key"),
            "kid a list": self.forge(header={"kid": ["a"]}),
            "jku": self.forge(header={"jku": "https://evil.example/keys"}),
            "x5u": self.forge(header={"x5u": "https://evil.example/cert"}),
            "jwk": self.forge(header={"jwk": {"kty": "oct", "k": encode(self.key)}}),
            "crit": self.forge(header={"crit": ["exp"]}),
            "another type of token": self.forge(header={"typ": "at+jwt"}),
            "issued by somebody else": self.forge(claims={"iss": "evil"}),
            "for another audience": self.forge(claims={"aud": "other-api"}),
            "for us and others": self.forge(claims={"aud": ["payme-api", "other-api"]}),
            "a refresh token": self.refresh,
            "kind missing": self.forge(without="typ"),
            "expired a second ago": self.forge(claims={"exp": stamp - 1}),
            "expiring now": self.forge(claims={"exp": stamp}),
            "never expiring": self.forge(without="exp"),
            "expiry as text": self.forge(claims={"exp": str(stamp + 900)}),
            "expiry infinite": self.forge(claims={"exp": 1e400}),
            "expiry true": self.forge(claims={"exp": True}),
            "not yet valid": self.forge(claims={"nbf": stamp + 60}),
            "issued in the future": self.forge(claims={"iat": stamp + 60}),
            "session missing": self.forge(without="sid"),
            "session version missing": self.forge(without="sv"),
            "session version as text": self.forge(claims={"sv": "3"}),
            "session version true": self.forge(claims={"sv": True}),
            "subject a number": self.forge(claims={"sub": 7}),
            "subject no id": self.forge(claims={"sub": "admin"}),
            "business no id": self.forge(claims={"business_id": "*"}),
            "token id missing": self.forge(without="jti"),
            "signed with another secret": self.by_another_secret(),
        }

    @classmethod
    def kinds(cls) -> list[str]:
        """Name every forgery."""
        now = datetime.now(UTC)
        signer = TokenSigner(OTHER)
        base = signer.sign_access(user_id=new_id(), session_id=new_id(), session_version=1, now=now, seconds=900)
        return sorted(cls(base, "", OTHER, now).forgeries())

    def by_another_secret(self) -> str:
        claims = claims_of(self.base)
        return TokenSigner(OTHER).sign_access(
            user_id=UUID(claims["sub"]),
            session_id=UUID(claims["sid"]),
            session_version=claims.get("sv", 1),
            now=self.now,
            seconds=900,
        )


def encode(part: object) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def header_of(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})
