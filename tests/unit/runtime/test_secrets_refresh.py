"""Keys that change in their files while a process runs: what signs and encrypts afterwards, what is still believed, what is refused."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from payme.entrypoints.rotation import takers_of
from payme.entrypoints.wiring import cipher_of, tools_of
from payme.features.identity import Identity
from payme.runtime.http import Cursors
from payme.runtime.http.errors import CursorInvalid
from payme.runtime.secrets import SecretsRefresh, load_settings
from payme.runtime.security import FieldCipher, InvalidToken, UnreadableField

ONE, TWO = "first-secret-of-32-characters-or-more", "second-secret-of-32-characters-or-more"
OLD, NEW = "0f" * 32, "5a" * 32
NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
SOMEBODY = UUID(int=1)
PLACE: dict[str, Any] = {"table": "t", "column": "c", "business_id": None, "row_id": SOMEBODY}


@dataclass
class Process:
    """What a process holds, and the folder that its keys are read from."""

    folder: Path
    tools: dict[type[Any], Any]
    other: FieldCipher
    cursors: Cursors
    refresh: SecretsRefresh

    def put(self, **keys: str | None) -> None:
        for name, value in keys.items():
            (self.folder / name).write_text(value or "", encoding="utf-8")

    def token(self) -> str:
        identity: Identity = self.tools[Identity]
        return identity.tokens.sign_access(
            user_id=SOMEBODY, session_id=SOMEBODY, session_version=1, now=NOW, seconds=900
        )

    def reads(self, token: str) -> bool:
        try:
            self.tools[Identity].tokens.read_access(token, now=NOW)
        except InvalidToken:
            return False
        return True

    def sealed(self) -> bytes:
        return self.tools[FieldCipher].encrypt("0712", **PLACE)


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., Process]:
    def begin(**settings: str) -> Process:
        names = ("JWT_SECRET", "JWT_SECRET_PREVIOUS", "ENCRYPTION_KEY", "ENCRYPTION_KEY_ID", "ENCRYPTION_KEYS_PREVIOUS")
        environment = {f"{name}_FILE": str(tmp_path / name) for name in names}
        environment |= {"DATABASE_URL": "postgresql://a:b@127.0.0.1/c", "APP_ENV": "test", **settings}
        for name in names:
            (tmp_path / name).touch()
        (tmp_path / "JWT_SECRET").write_text(ONE)
        (tmp_path / "ENCRYPTION_KEY").write_text(OLD)

        def load() -> Any:
            return load_settings(environment, env_file=None)

        tools, other, cursors = tools_of(load()), cipher_of(load()), Cursors(b"c" * 32)
        refresh = SecretsRefresh(load(), takers_of(tools, other, cursors=cursors), load=load)
        return Process(tmp_path, tools, other, cursors, refresh)

    return begin


async def test_a_changed_signing_secret_is_used_and_the_old_one_believed_until_it_is_taken_away(
    start: Callable[..., Process],
) -> None:
    process = start()
    await process.refresh.refresh()
    before, csrf = process.token(), process.tools[Identity].csrf
    planted = csrf.make("a session")
    process.put(JWT_SECRET=TWO, JWT_SECRET_PREVIOUS=ONE)
    assert await process.refresh.refresh()
    after, page = process.token(), process.cursors.encode("a list", [1])
    assert after != before
    assert process.reads(before)
    assert process.reads(after)
    assert csrf.matches("a session", planted)
    process.put(JWT_SECRET_PREVIOUS=None)
    assert await process.refresh.refresh()
    assert not process.reads(before)
    assert process.reads(after)
    assert not csrf.matches("a session", planted)
    assert csrf.matches("a session", csrf.make("a session"))
    assert process.cursors.decode("a list", page) == [1]
    process.put(JWT_SECRET=ONE)
    assert await process.refresh.refresh()
    with pytest.raises(CursorInvalid):
        process.cursors.decode("a list", page)


async def test_a_changed_field_key_encrypts_everywhere_and_the_old_one_still_decrypts(
    start: Callable[..., Process],
) -> None:
    process = start()
    before = process.sealed()
    process.put(ENCRYPTION_KEY=NEW, ENCRYPTION_KEY_ID="k2", ENCRYPTION_KEYS_PREVIOUS=f"k1:{OLD}")
    assert await process.refresh.refresh()
    after = process.sealed()
    assert (before[2:4], after[2:4]) == (b"k1", b"k2")
    assert {process.other.decrypt(each, **PLACE) for each in (before, after)} == {"0712"}
    assert process.tools[Identity].cipher.is_current(after)
    assert process.other.beginning == after[:4]
    process.put(ENCRYPTION_KEYS_PREVIOUS=None)
    assert await process.refresh.refresh()
    with pytest.raises(UnreadableField):
        process.other.decrypt(before, **PLACE)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({"ENCRYPTION_KEY": NEW}, id="the id stayed, the key did not"),
        pytest.param({"ENCRYPTION_KEY_ID": "k2"}, id="the key stayed, the id did not"),
        pytest.param({"ENCRYPTION_KEY": NEW, "ENCRYPTION_KEY_ID": "k2", "ENCRYPTION_KEYS_PREVIOUS": f"k1:{NEW}"}, id="swapped"),
        pytest.param({"ENCRYPTION_KEY": "half a key"}, id="not a key"),
    ],
)  # fmt: skip
async def test_keys_that_do_not_fit_are_refused_whole(start: Callable[..., Process], keys: dict[str, str]) -> None:
    process = start()
    token, sealed = process.token(), process.sealed()
    process.put(JWT_SECRET=TWO, **keys)
    assert not await process.refresh.refresh()
    assert process.reads(token)
    assert process.token() == token
    assert process.sealed()[:4] == sealed[:4]
    assert process.tools[FieldCipher].decrypt(sealed, **PLACE) == "0712"


async def test_a_file_that_is_gone_for_a_moment_costs_nothing(start: Callable[..., Process]) -> None:
    process = start()
    token = process.token()
    (process.folder / "JWT_SECRET").unlink()
    assert not await process.refresh.refresh()
    assert process.reads(token)
    process.put(JWT_SECRET=TWO, JWT_SECRET_PREVIOUS=ONE)
    assert await process.refresh.refresh()
    assert process.token() != token


async def test_what_did_not_change_is_not_taken(start: Callable[..., Process]) -> None:
    assert not await start().refresh.refresh()


@pytest.mark.parametrize("is_told", [True, False], ids=["by SIGHUP", "by the clock"])
async def test_a_running_process_finds_them_by_itself(start: Callable[..., Process], is_told: bool) -> None:
    process = start(SECRETS_REFRESH_SECONDS="3600" if is_told else "1")
    before = signal.getsignal(signal.SIGHUP)
    token = process.token()
    async with process.refresh.running():
        process.put(JWT_SECRET=TWO, JWT_SECRET_PREVIOUS=ONE)
        if is_told:
            os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            while process.token() == token:
                await asyncio.sleep(0.01)
    assert process.reads(token)
    assert signal.getsignal(signal.SIGHUP) is before
