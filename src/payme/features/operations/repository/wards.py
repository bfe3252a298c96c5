"""What the doctor looks at: the server, the queue, callbacks, and money that waits for somebody."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from payme.runtime.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class Server:
    """The server behind the database. `version` is its number, such as 180001; sizes in bytes.

    `passes_policies`: whether the user who asks is bound by no policy. `careless`: settings that let a crash take what was
    acknowledged. `data_directory` is None where this user may not know it.
    """

    version: int
    size: int
    connections: int
    most_connections: int
    clock: datetime
    passes_policies: bool
    careless: list[str]
    data_directory: str | None


@dataclass(frozen=True, slots=True)
class Role:
    """What a role of the application may do; `exists` and `usable` should be, `passes_policies` must not."""

    name: str
    exists: bool
    usable: bool
    passes_policies: bool
    granted: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """Workers that are connected, jobs that are due, and for how many seconds the oldest has been."""

    workers: int
    due: int
    oldest_seconds: int


@dataclass(frozen=True, slots=True)
class Ward:
    """Things of one kind that wait, with the amount behind them in cents and the oldest of them."""

    kind: str
    count: int
    cents: int
    ids: list[str]


@dataclass(frozen=True, slots=True)
class OpenDays:
    """Reconciled days that are not accounted for: how many, since when, and what their open differences come to in cents."""

    count: int
    oldest_on: date
    cents: int


@dataclass(frozen=True, slots=True)
class SilentTill:
    """A device with numbers missing between those that came, since when, and the first of them."""

    device_id: UUID
    name: str
    since: datetime
    missing: list[int]


async def list_gaps(uow: UnitOfWork, *, before: datetime, limit: int) -> list[SilentTill]:
    """Return the devices of the business at hand whose sequence has had a gap since before an instant, the longest first."""
    rows = await uow.fetch(
        """-- operations.list_gaps
        select s.device_id, d.name, s.gap_since as since, sync_missing($1, s.device_id, 20) as missing
        from sync_devices s join devices d on d.business_id = s.business_id and d.id = s.device_id
        where s.business_id = $1 and s.gap_since < $2 order by s.gap_since limit $3""",
        uow.tenant,
        before,
        limit,
    )
    return [SilentTill(**row) for row in rows]


async def knows_epochs(uow: UnitOfWork) -> bool:
    """Say whether this schema keeps epochs of sync."""
    return await uow.fetchval(
        """-- operations.knows_epochs
        select to_regprocedure('sync_begin_epoch(uuid,timestamptz)') is not null"""
    )


async def find_server(uow: UnitOfWork) -> Server:
    """Return what there is to know of the server."""
    row = await uow.fetchrow(
        """-- operations.find_server
        select current_setting('server_version_num')::int as version, pg_database_size(current_database()) as size,
          (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as connections,
          current_setting('max_connections')::int as most_connections, clock_timestamp() as clock,
          (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as passes_policies,
          array(select name from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off'
            order by 1) as careless,
          (select setting from pg_settings where name = 'data_directory') as data_directory"""
    )
    assert row is not None, "a select without a condition has a row"
    return Server(**row)


async def list_roles(uow: UnitOfWork, names: list[str]) -> list[Role]:
    """Return what the roles of the application may do, as the user who is connected sees it."""
    rows = await uow.fetch(
        """-- operations.list_roles
        select n.name, r.rolname is not null as exists, coalesce(pg_has_role(session_user, r.oid, 'member'), false) as usable,
          coalesce(r.rolsuper or r.rolbypassrls, false) as passes_policies,
          coalesce(has_table_privilege(r.oid, to_regclass('platform_settings'), 'select'), true) as granted
        from unnest($1::text[]) n (name) left join pg_roles r on r.rolname = n.name order by 1""",
        names,
    )
    return [Role(**row) for row in rows]


async def list_unprotected_tables(uow: UnitOfWork) -> list[str]:
    """Return the tables of tenants on which row-level security is not forced, or that have no policy."""
    rows = await uow.fetch(
        """-- operations.list_unprotected_tables
        select c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'business_id' and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and c.relname not in ('mpesa_receipts', 'callback_routes', 'callback_inbox', 'token_top_up_codes')
          and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))
        order by 1"""
    )
    return [row["relname"] for row in rows]


async def find_queue(uow: UnitOfWork) -> Queue:
    """Return how the queue is served. A worker is seen by the lasting connection that it keeps."""
    row = await uow.fetchrow(
        """-- operations.find_queue
        select (select count(*) from pg_stat_activity where datname = current_database() and application_name = 'payme worker')::int
            as workers,
          count(*)::int as due, coalesce(extract(epoch from now() - min(execute_after)), 0)::int as oldest_seconds
        from pgqueuer where status = 'queued' and execute_after <= now()"""
    )
    assert row is not None, "an aggregate has a row"
    return Queue(**row)


async def list_callbacks(uow: UnitOfWork, *, received_before: datetime) -> list[Ward]:
    """Return callbacks that nobody has understood: those received too long ago, and the malformed ones."""
    rows = await uow.fetch(
        """-- operations.list_callbacks
        select state as kind, count(*)::int as count, 0::bigint as cents, (array_agg(id::text order by received_at))[1:20] as ids
        from callback_inbox where state = 'malformed' or (state = 'received' and received_at < $1) group by state""",
        received_before,
    )
    return [Ward(**row) for row in rows]


async def list_money(uow: UnitOfWork, *, asked_until: datetime, heard_until: datetime) -> list[Ward]:
    """Return the money of the business at hand that waits for somebody, by kind.

    `asking`: unknown, and still asked about. `silent`: sent before `asked_until`, and still open. `unheard`: succeeded before
    `heard_until`, and its sale, purchase or debt has not taken it. `unplaced`: M-Pesa spoke of another prompt or short code. `unclaimed`: in the tray.
    `unseen`: credited on a query's word, and Pull never showed its receipt.
    `left`: a payout whose outcome nobody knows since before `asked_until`. `unproved`: a claim that M-Pesa does not show, or only in part.
    """
    rows = await uow.fetch(
        """-- operations.list_money
        select kind, count(*)::int as count, coalesce(sum(cents), 0)::bigint as cents,
          (array_agg(id::text order by since, id))[1:20] as ids
        from (
          select case when coalesce(sent_at, created_at) < $2 then 'silent' else 'asking' end as kind, id, amount_cents as cents,
            created_at as since
          from payments where business_id = $1 and status in ('created', 'sending', 'pending', 'unknown')
            and (status = 'unknown' or coalesce(sent_at, created_at) < $2)
          union all
          select 'unheard', p.id, p.paid_cents, p.ended_at from payments p
          left join token_purchases t on t.business_id = $1 and t.id = p.purpose_id
          where p.business_id = $1 and p.status = 'succeeded' and p.ended_at < $3
            and case p.purpose when 'token_purchase' then t.state is distinct from 'credited' else p.settlement is null end
          union all
          select 'unheard', u.id, u.amount_cents, u.ended_at from unclaimed_money u
          join payments p on p.business_id = $1 and p.id = u.payment_id
          where u.business_id = $1 and p.payee = 'platform' and u.state = 'claimed' and u.reason <> 'amount_differs' and u.ended_at < $3
            and not exists (select from postings q where q.business_id = $1 and q.cause = u.id and q.kind = 'token.excess_paid')
          union all
          select 'unseen', p.id, p.paid_cents, p.created_at from payments p
          join pull_windows w on w.business_id = $1 and w.shortcode = p.shortcode
          where p.business_id = $1 and p.method = 'mpesa_stk' and p.payee = 'business' and p.status = 'succeeded'
            and p.mpesa_receipt_number is null and coalesce(p.sent_at, p.created_at) + interval '1 day' <= w.covered_until
          union all
          select 'unplaced', e.id, e.amount_cents, e.received_at from payment_evidence e
          where e.business_id = $1 and e.outcome = 'paid' and e.effect in ('wrong_prompt', 'wrong_shortcode')
          union all
          select 'left', id, amount_cents, created_at from payouts
          where business_id = $1 and state in ('sending', 'pending', 'unknown') and coalesce(sent_at, created_at) < $2
          union all
          select 'unproved', id, amount_cents - coalesce(confirmed_cents, 0), created_at from payments
          where business_id = $1 and method = 'mpesa_claim' and (verdict in ('not_found', 'already_used', 'amount_differs')
            or (verdict = 'waiting' and created_at < $2))
          union all
          select 'unclaimed', id, amount_cents, received_at from unclaimed_money where business_id = $1 and state = 'unclaimed') w
        group by kind""",
        uow.tenant,
        asked_until,
        heard_until,
    )
    return [Ward(**row) for row in rows]


async def find_open_days(uow: UnitOfWork) -> OpenDays | None:
    """Return the days of the business at hand that are over, were reconciled and are not accounted for; None where all are."""
    row = await uow.fetchrow(
        """-- operations.find_open_days
        select count(*) as count, min(r.day) as oldest_on, coalesce(sum(d.cents), 0)::bigint as cents
        from reconciliations r
        left join lateral (
          select count(*) as count, sum(abs(amount_cents)) as cents from differences
          where business_id = r.business_id and reconciliation_id = r.id and ended_at is null) d on true
        where r.business_id = $1 and r.ends_at <= $2 and (d.count > 0 or exists (
          select from reconciliation_sums t
          where t.business_id = r.business_id and t.reconciliation_id = r.id and t.run = r.run
            and t.received_cents <> t.applied_cents + t.unclaimed_cents + t.returned_cents))""",
        uow.tenant,
        uow.now,
    )
    return OpenDays(**row) if row and row["count"] else None


async def find_foreign_method(uow: UnitOfWork, environment: str) -> UUID | None:
    """Return the business at hand where an active way to be paid by M-Pesa belongs to another of Safaricom's worlds."""
    return await uow.fetchval(
        """-- operations.find_foreign_method
        select business_id from payment_methods
        where business_id = $1 and active and environment <> $2 and consumer_key_encrypted is not null limit 1""",
        uow.tenant,
        environment,
    )


async def count_unsealed(uow: UnitOfWork, *, older_than: timedelta) -> int:
    """Return how many rows of the audit log have waited longer than that for their link in the chain."""
    return await uow.fetchval(
        """-- operations.count_unsealed
        select count(*) from audit_log l where l.business_id = $1 and l.recorded_at < now() - $2::interval and not exists (
          select from audit_chain c where c.business_id = $1 and c.audit_id = l.id)""",
        uow.tenant,
        older_than,
    )
