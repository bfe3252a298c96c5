"""A feature's SQL touches its own tables. Operations reads those of all, writes none, and is the only one that may."""

import re
from pathlib import Path

import asyncpg
import pytest

from tests.architecture.test_queries import FEATURES, REPOSITORIES, queries

# Who writes a table; a view counts as its feature's.
OWNERS = {
    "audit": {"audit_log", "audit_chain"},
    "identity": {
        "users",
        "sessions",
        "members",
        "invitations",
        "api_keys",
        "devices",
        "device_codes",
        "device_pin_tries",
        "member_terms",
    },
    "businesses": {"businesses", "branches", "tills", "till_counters", "sync_counters"},
    "approvals": {"approvals"},
    "ledger": {"accounts", "account_balances", "postings", "ledger_balances"},
    "catalog": {"products", "product_barcodes", "product_prices", "vat_rates"},
    "customers": {"customers"},
    "credit": {"credit_accounts", "credit_entries"},
    "expenses": {"expenses"},
    "shifts": {"shifts", "shift_movements", "shift_variances"},
    "inventory": {"stock_levels", "stock_batches", "stock_owed", "stock_movements", "stock_reservations"},
    "payments": {
        "payment_methods",
        "daraja_apps",
        "daraja_turns",
        "mpesa_outages",
        "payments",
        "payment_evidence",
        "mpesa_receipts",
        "unclaimed_money",
        "c2b_registrations",
        "pull_windows",
        "payouts",
        "mpesa_questions",
        "payment_probes",
        "payment_probe_checks",
        "claim_write_offs",
        "mpesa_days",
        "mpesa_sum_marks",
    },
    "tokens": {"token_wallets", "token_reservations", "token_purchases", "token_packages", "token_top_up_codes"},
    "sales": {
        "sales",
        "sale_lines",
        "refunds",
        "refund_lines",
        "credit_notes",
        "credit_note_counters",
        "credit_note_movements",
    },
    "sync": {
        "sync_audit",
        "sync_commands",
        "sync_conflicts",
        "sync_devices",
        "sync_documents",
        "sync_epochs",
        "sync_strategies",
    },
    "reconciliation": {
        "reconciliations",
        "reconciliation_totals",
        "reconciliation_lines",
        "reconciliation_sums",
        "differences",
        "cash_counts",
        "statement_uploads",
        "statement_rows",
    },
}
# What the machine room keeps for everybody, by functions; a feature reads it by functions too.
RUNTIME = {
    "backfills",
    "sync_changes",
    "events",
    "idempotency_keys",
    "platform_settings",
    "callback_routes",
    "callback_inbox",
    "schema_migrations",
    "schema_releases",
}
KNOWN = {table: feature for feature, tables in OWNERS.items() for table in tables} | dict.fromkeys(RUNTIME, "runtime")
# Exceptions with their reason; this list only shrinks.
ALLOWED: dict[tuple[str, str], str] = {
    ("tokens", "accounts"): "the wallet is the balance row of an account, found by its code",
    ("tokens", "postings"): "the movements of the wallet are its postings",
}
WORD = re.compile(r"\b(?:from|join|into|update|using)\s+(?:only\s+)?([a-z_]+)\b")
WRITES = re.compile(r"\b(insert|update|delete|truncate|merge|copy|lock|nextval|for\s+(no\s+key\s+)?(update|share))\b")


def feature_of(file: Path) -> str:
    return file.relative_to(FEATURES).parts[0]


def tables_in(file: Path) -> set[str]:
    return {word for _, text in queries(file) for word in WORD.findall((text or "").lower()) if word in KNOWN}


@pytest.mark.parametrize(
    "file",
    [file for file in REPOSITORIES if feature_of(file) != "operations"],
    ids=lambda file: file.relative_to(FEATURES).as_posix(),
)
def test_a_feature_touches_its_own_tables(file: Path):
    feature = feature_of(file)
    foreign = {table for table in tables_in(file) if KNOWN[table] != feature and (feature, table) not in ALLOWED}
    assert foreign == set()


@pytest.mark.parametrize(
    "file",
    [file for file in REPOSITORIES if feature_of(file) == "operations"],
    ids=lambda file: file.relative_to(FEATURES).as_posix(),
)
def test_operations_only_read(file: Path):
    bodies = [(place, re.sub(r"--[^\n]*|'[^']*'", "", text or "")) for place, text in queries(file)]
    assert [place for place, body in bodies if WRITES.search(body.lower())] == []
    assert [place for place, body in bodies if body.lower().split()[0] not in {"select", "with", "set"}] == []


def test_the_exceptions_are_still_needed():
    used = {
        (feature_of(file), table)
        for file in REPOSITORIES
        for table in tables_in(file)
        if KNOWN[table] != feature_of(file)
    }
    assert set(ALLOWED) <= used


async def test_every_table_has_its_owner(owner_dsn: str):
    connection = await asyncpg.connect(owner_dsn)
    try:
        rows = await connection.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v', 'p')"
        )
    finally:
        await connection.close()
    queue = {
        "pgqueuer",
        "pgqueuer_log",
        "pgqueuer_schedules",
        "pgqueuer_statistics",
        "job_attempts",
        "job_dead_letters",
    }
    assert {row["relname"] for row in rows} - queue == set(KNOWN)
