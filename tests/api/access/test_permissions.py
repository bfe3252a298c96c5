"""Which permission a route asks for, written down a second time: the role matrix believes what a route declares, this does not."""

from payme.entrypoints.api import all_features

OPERATIONS = [each for feature in all_features() for router in feature.routers for each in router.operations]
CHANGES = {
    "api_keys_create": "api_keys.manage",
    "api_keys_revoke": "api_keys.manage",
    "approvals_approve": "approvals.decide",
    "approvals_reject": "approvals.decide",
    "auth_login": "public",
    "auth_logout": "signed_in",
    "auth_refresh": "public",
    "auth_signup": "public",
    "branches_create": "business.configure",
    "businesses_change": "business.configure",
    "businesses_create": "signed_in",
    "callbacks_c2b_confirm": "public",
    "callbacks_c2b_validate": "public",
    "callbacks_result": "public",
    "callbacks_stk": "public",
    "callbacks_timeout": "public",
    "credit_accounts_change": "credit.manage",
    "credit_accounts_open": "credit.manage",
    "credit_accounts_repay": "credit.repay",
    "customers_change": "customers.write",
    "customers_create": "customers.write",
    "expenses_approve": "expenses.approve",
    "expenses_cancel": "expenses.approve",
    "expenses_pay": "expenses.approve",
    "expenses_record": "expenses.record",
    "expenses_verify": "expenses.approve",
    "invitations_accept": "signed_in",
    "invitations_create": "members.manage",
    "invitations_revoke": "members.manage",
    "members_change": "members.manage",
    "members_remove": "members.manage",
    "members_set_pin": "members.manage",
    "payment_methods_configure": "payments.configure",
    "payment_methods_probe": "payments.configure",
    "payment_methods_register": "payments.configure",
    "payments_check": "payments.check",
    "payments_no_prompt": "payments.check",
    "payments_read_sms": "payments.claim",
    "payouts_approve": "approvals.decide",
    "payouts_create": "payouts.request",
    "payouts_reject": "approvals.decide",
    "payouts_settle": "approvals.decide",
    "products_change": "catalog.write",
    "products_create": "catalog.write",
    "products_import": "catalog.write",
    "reconciliations_close_difference": "reconciliation.close",
    "reconciliations_count_cash": "reconciliation.count",
    "reconciliations_upload_statement": "reconciliation.run",
    "reconciliations_run": "reconciliation.run",
    "sales_cancel": "sales.cancel",
    "sales_create": "sales.create",
    "sales_pay": "sales.create",
    "sales_refund": "sales.refund",
    "sales_void": "sales.void",
    "sessions_end": "signed_in",
    "shifts_close": "shifts.work",
    "shifts_move_drawer": "shifts.work",
    "shifts_open": "shifts.work",
    "stock_adjust": "stock.adjust",
    "stock_receive": "stock.receive",
    "stock_spoil": "stock.spoil",
    "sync_choose_strategy": "business.configure",
    "sync_push": "sync.push",
    "sync_resolve": "sync.review",
    "tills_create": "business.configure",
    "tokens_buy": "tokens.buy",
    "unclaimed_claim": "payments.claim",
    "unclaimed_return": "payouts.request",
}
READS_BEYOND_THE_OWN_FEATURE = {
    "api_keys_list": "api_keys.manage",
    "audit_list": "audit.read",
    "branches_list": "business.read",
    "invitations_list": "members.manage",
    "ledger_trial_balance": "ledger.read",
    "me_get": "signed_in",
    "payment_methods_list": "payments.read",
    "payment_methods_probes": "payments.read",
    "payment_methods_registrations": "payments.read",
    "payouts_get": "payments.read",
    "payouts_list": "payments.read",
    "products_export": "catalog.read",
    "sessions_list": "signed_in",
    "stock_valuation": "sales.read_cost",
    "sync_collections": "sync.pull",
    "sync_conflicts": "sync.review",
    "sync_pull": "sync.pull",
    "sync_status": "sync.review",
    "sync_stream": "sync.pull",
    "token_packages_list": "public",
    "unclaimed_list": "payments.read",
    "unclaimed_suggestions": "payments.read",
    "vat_rates_list": "public",
}


def test_a_route_asks_for_the_permission_of_what_it_does():
    declared = {each.name: each.access.permission or each.access.kind for each in OPERATIONS if each.method != "GET"}
    assert declared == CHANGES


def test_a_route_that_reads_asks_for_the_reading_of_it():
    for each in OPERATIONS:
        if each.method == "GET":
            wanted = READS_BEYOND_THE_OWN_FEATURE.get(each.name, "")
            first = each.access.permission or each.access.kind
            assert first == wanted if wanted else first.endswith(".read"), each.name
