"""A worker that hung while it sent a prompt: another has taken its job, and then M-Pesa answers the first."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from payme.entrypoints.features import wire
from payme.entrypoints.wiring import WorkerServices, cipher_of, tools_of
from payme.features import payments
from payme.features.payments import ConfigureMethod, DarajaAccess
from payme.features.payments.services.send_push import begin_sending
from payme.features.payments.tasks import send_stk_push
from payme.integrations.daraja import ClientOptions, open_http_client
from payme.kit.ids import new_id
from payme.runtime.database import Database, PoolLimits
from payme.runtime.jobs import JobContext, Superseded
from payme.runtime.jobs.attempts import Attempt
from payme.runtime.jobs.context import FencedDatabase
from payme.runtime.settings import Settings
from tests.payment_room import ACCOUNT, SETTINGS, Till
from tests.simulator import SimulatorProcess
from tests.stack import until

JOB = 9_000_000_001


async def _collect_by_simulator(shop: Till, simulator: SimulatorProcess) -> None:
    known = await simulator.control.send("GET", "/_sim/apps")
    app = next(app for app in known["apps"] if app["name"] == "demo")
    passkey = next(code["passkey"] for code in known["shortcodes"] if code["shortcode"] == "174379")
    account = ACCOUNT | {name: app[name] for name in ("consumer_key", "consumer_secret")} | {"passkey": passkey}
    await shop.run(lambda uow: payments.configure_method(uow, "paybill", ConfigureMethod.model_validate(account)))


async def test_an_answer_to_an_overtaken_attempt_keeps_its_id(shop: Till, owner_dsn: str) -> None:
    settings = Settings.from_values(SETTINGS | {"DATABASE_URL": owner_dsn})
    limits = PoolLimits(connections=2)
    database = Database(
        owner_dsn, role="payme_worker", limits=limits, wiring=wire(tools_of(settings)), clock=shop.clock
    )
    await database.open()
    owner = await asyncpg.connect(owner_dsn)
    try:
        with SimulatorProcess() as simulator:
            await _collect_by_simulator(shop, simulator)
            await _overtake(shop, simulator, owner, database)
    finally:
        await owner.execute("delete from job_attempts where job_id = $1", JOB)
        await owner.close()
        await database.close()


async def _overtake(shop: Till, simulator: SimulatorProcess, owner: asyncpg.Connection, database: Database) -> None:
    payment = await shop.request()
    settings = Settings.from_values(SETTINGS | {"DATABASE_URL": database.dsn})
    access = DarajaAccess(
        open_http_client(), simulator.base_url, "http://127.0.0.1:9", ClientOptions(), cipher_of(settings)
    )
    await simulator.control.fault("stkpush", "hang", seconds=2)
    await owner.execute("insert into job_attempts (job_id, name, worker_id) values ($1, 'test', $2)", JOB, new_id())
    attempt = Attempt(JOB, 1, 1, 0, timedelta(), ("", ""))
    job = JobContext(
        "payments.send_stk_push", {"payment_id": str(payment.id)}, shop.business_id, FencedDatabase(database, attempt),
        WorkerServices(access), last_attempt=False,
    )  # fmt: skip
    sending = asyncio.ensure_future(send_stk_push(job))

    async def has_left() -> Any:
        return await simulator.control.transcript(event="request", product="stkpush")

    await until(has_left)
    await owner.execute("update job_attempts set started = 2 where job_id = $1", JOB)
    assert await _taken_over(shop, payment.id) == "unknown"
    with pytest.raises(Superseded):
        await sending
    found = await shop.payment(payment.id)
    assert found.status == "pending"
    assert len(await shop.jobs("payments.check_prompt")) == 1
    assert len(await has_left()) == 1


async def _taken_over(shop: Till, payment_id: UUID) -> str:
    assert await shop.run(lambda uow: begin_sending(uow, payment_id)) is None
    return (await shop.payment(payment_id)).status
