"""Access and refresh tokens: what we sign we read; whatever else somebody brings is refused without a reason."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from payme.kit.ids import new_id
from payme.runtime.security import AccessClaims, InvalidToken, RefreshClaims, TokenSigner
from tests.forged_tokens import OTHER, Forger

SECRET = "Zq8-wLr2_Vt6yPn4sKd9xHb1mGc5jFa7"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
USER, SESSION, BUSINESS = new_id(), new_id(), new_id()
SIGNER = TokenSigner(SECRET)


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


FORGER = Forger(access(), refresh(), SECRET, NOW)
FORGED = FORGER.forgeries()


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
    assert SIGNER.read_access(FORGER.forge(), now=NOW).user_id == USER


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused_without_a_reason(name: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        SIGNER.read_access(FORGED[name], now=NOW)
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
