"""Passwords, random tokens and CSRF tokens."""

import statistics
import time

import pytest

from payme.runtime.security import CsrfTokens, PasswordHasher, hash_token, new_secret_token, same_secret

FLOOR = PasswordHasher(memory_kib=19_456, iterations=2)


@pytest.mark.parametrize("password", ["nguvu-ya-pesa", "with\0nul", "\0", "", "p" * 1_000_000, "sérénité 🦁", "\ud800"])
def test_any_password_is_verified_whole(password: str) -> None:
    stored = FLOOR.hash(password)
    assert FLOOR.verify(password, stored)
    assert not FLOOR.verify(password + "x", stored)
    assert not FLOOR.verify(password[:-1] if password else "x", stored)


def test_passwords_that_differ_after_a_nul_or_far_behind_are_different() -> None:
    assert not FLOOR.verify("a\0b", FLOOR.hash("a\0c"))
    assert not FLOOR.verify("p" * 5000 + "a", FLOOR.hash("p" * 5000 + "b"))


def test_hashes_are_argon2id_salted_and_above_the_floor() -> None:
    first, second = FLOOR.hash("same"), FLOOR.hash("same")
    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().hash("x").startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    for memory, iterations in ((19_455, 2), (19_456, 1)):
        with pytest.raises(AssertionError):
            PasswordHasher(memory_kib=memory, iterations=iterations)


def test_an_unknown_user_is_refused_in_the_same_time() -> None:
    stored = FLOOR.hash("right")
    times: dict[str | None, list[float]] = {None: [], stored: []}
    for _ in range(15):
        for known in (None, stored):
            began = time.process_time()
            assert not FLOOR.verify("wrong", known)
            times[known].append(time.process_time() - began)
    unknown, known = (statistics.median(times[who]) for who in (None, stored))
    assert 0.5 < unknown / known < 2


def test_the_dummy_password_opens_nothing() -> None:
    assert not FLOOR.verify("nobody's password", None)
    assert not FLOOR.verify("x", "not a hash")


def test_a_cheaper_hash_is_renewed() -> None:
    old = FLOOR.hash("x")
    stronger = PasswordHasher(memory_kib=20_000, iterations=2)
    assert stronger.verify("x", old)
    assert stronger.needs_rehash(old)
    assert not FLOOR.needs_rehash(old)


def test_secret_tokens_are_random_and_stored_as_a_hash() -> None:
    tokens = {new_secret_token("pk_test_") for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(token.startswith("pk_test_") and len(token) == 8 + 43 for token in tokens)
    assert len(hash_token("a")) == 32
    assert hash_token("a") != hash_token("b")
    assert len(new_secret_token(size=16)) == 22
    with pytest.raises(AssertionError):
        new_secret_token(size=15)


def test_secrets_are_compared_as_they_are() -> None:
    assert same_secret("é\0", "é\0")
    assert same_secret(b"x", "x")
    assert not same_secret("x", "x ")
    assert not same_secret("", "x")
    assert same_secret("\ud800", "\ud800")


SECRET, OTHER = "s" * 32, "o" * 32


def test_a_csrf_token_fits_its_session_only() -> None:
    tokens = CsrfTokens(SECRET)
    token = tokens.make("session-1")
    assert tokens.matches("session-1", token)
    assert token != tokens.make("session-1")
    forged = [
        "",
        ".",
        "x",
        token + "x",
        token[:-1],
        token.replace(".", ""),
        "." + token.partition(".")[2],
        "\ud800." + token,
    ]
    assert not any(tokens.matches("session-1", each) for each in forged)
    assert not tokens.matches("session-2", token)
    assert not tokens.matches("", token)
    assert not CsrfTokens(OTHER).matches("session-1", token)


def test_a_csrf_token_survives_one_change_of_the_secret() -> None:
    token = CsrfTokens(SECRET).make("session-1")
    assert CsrfTokens(OTHER, SECRET).matches("session-1", token)
    assert not CsrfTokens(SECRET, OTHER).matches("session-1", CsrfTokens("t" * 32).make("session-1"))
