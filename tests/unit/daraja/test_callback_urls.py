"""Callback addresses: the words Safaricom refuses, and what production adds."""

import secrets

import pytest

from payme.integrations.daraja import InvalidCallbackUrl, callback_url_faults, require_callback_url

GOOD = "https://pos.example.co.ke/d/6b1f0c2d/stk"


@pytest.mark.parametrize(
    "url",
    [
        "https://pos.example.co.ke/mpesa/callback",
        "https://pos.example.co.ke/M-PESA/x",
        "https://safaricom.example.co.ke/d",
        "https://pos.example.co.ke/d/a.exe",
        "https://pos.example.co.ke/Exec/d",
        "https://pos.example.co.ke/cmd",
        "https://pos.example.co.ke/MySQL",
        "https://pos.example.co.ke/d?Query=1",
        "https://pos.example.co.ke/<token>/stk",
        "https://pos.example.co.ke/{token}/stk",
        "https://pos.example.co.ke/a b",
        "https://pos.example.co.ke/d\n",
        "https://user@pos.example.co.ke/d",
        "https://pos.example.co.ke/d#x",
        "https://pos.example.co.ke:port/d",
        "https://[pos/d",
        "ftp://pos.example.co.ke/d",
        "pos.example.co.ke/d",
        "https:///d",
        "",
        f"https://pos.example.co.ke/{'a' * 300}",
    ],
)
def test_an_address_that_safaricom_refuses_is_refused_here(url: str):
    assert callback_url_faults(url, production=False)
    with pytest.raises(InvalidCallbackUrl) as refusal:
        require_callback_url(url, production=False)
    assert refusal.value.facts["faults"]


@pytest.mark.parametrize(
    "url", [GOOD, "http://127.0.0.1:8000/d/6b1f/stk", "http://localhost:1/d", "https://x.ngrok.io/d"]
)
def test_the_sandbox_takes_plain_local_and_tunnelled_addresses(url: str):
    assert callback_url_faults(url, production=False) == ()


@pytest.mark.parametrize(
    "url",
    [
        "http://pos.example.co.ke/d",
        "https://x.ngrok.io/d",
        "https://requestbin.net/d",
        "https://127.0.0.1/d",
        "https://10.0.0.7/d",
        "https://[::1]/d",
        "https://localhost/d",
        "https://till.local/d",
    ],
)
def test_production_wants_https_and_a_public_host(url: str):
    assert callback_url_faults(url, production=False) == ()
    assert callback_url_faults(url, production=True)


@pytest.mark.parametrize("url", [GOOD, "https://196.201.214.200/d"])
def test_production_takes_a_public_https_address(url: str):
    require_callback_url(url, production=True)


def test_a_hexadecimal_secret_never_spells_a_forbidden_word():
    for _ in range(2_000):
        assert callback_url_faults(f"https://pos.example.co.ke/d/{secrets.token_hex(16)}/stk", production=True) == ()
