"""An API process takes changed keys from its files without a restart, and believes the old ones as long as they are named."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import jwt
import pytest

from tests.api_process import ApiProcess
from tests.people import PASSWORD, new_phone

ONE, TWO = "first-secret-of-32-characters-or-more", "second-secret-of-32-characters-or-more"
SECONDS = 15.0


@pytest.fixture
def secrets_folder(tmp_path: Path) -> Path:
    (tmp_path / "JWT_SECRET").write_text(ONE)
    (tmp_path / "JWT_SECRET_PREVIOUS").touch()
    return tmp_path


@pytest.fixture
def api(owner_dsn: str, open_folder: Path, secrets_folder: Path) -> Iterator[ApiProcess]:
    now, before = (str(secrets_folder / name) for name in ("JWT_SECRET", "JWT_SECRET_PREVIOUS"))
    log = open_folder / "api.log"
    with ApiProcess(
        owner_dsn, log, SECRETS_REFRESH_SECONDS="3600", JWT_SECRET_FILE=now, JWT_SECRET_PREVIOUS_FILE=before
    ) as started:
        yield started


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def test_a_signing_secret_is_changed_under_a_running_api(api: ApiProcess, secrets_folder: Path):
    phone, (worker,) = new_phone(), api.workers()
    with httpx2.Client(base_url=api.base_url, trust_env=False, timeout=5) as client:

        def token() -> str:
            answer = client.post("/v1/auth/login", json={"identifier": phone, "password": PASSWORD})
            assert answer.status_code == 200
            return answer.json()["access_token"]

        def is_believed(token: str) -> bool:
            return client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200

        signup = client.post("/v1/auth/signup", json={"name": "Wanjiku", "phone": phone, "password": PASSWORD})
        assert signup.status_code == 201
        before = token()
        (secrets_folder / "JWT_SECRET").write_text(TWO)
        (secrets_folder / "JWT_SECRET_PREVIOUS").write_text(ONE)
        os.kill(worker, signal.SIGHUP)
        until(lambda: kid(token()) != kid(before))
        assert is_believed(before)
        (secrets_folder / "JWT_SECRET_PREVIOUS").write_text("")
        os.kill(worker, signal.SIGHUP)
        until(lambda: not is_believed(before))
        assert is_believed(token())
    assert api.workers() == [worker]


def kid(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]
