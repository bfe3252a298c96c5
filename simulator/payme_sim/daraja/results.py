"""The result of an operation, as it arrives at ResultURL, and the notice that the queue was too long.

Lives here: their bodies. Does not live here: what a product tells, and delivery.
Invariant: a failure carries a transaction id that is none: the date's letters and seven zeros.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from payme_sim.daraja.wire import stamp, wire_json
from payme_sim.dice import receipt_prefix
from payme_sim.faults import Product
from payme_sim.outcomes import PAID, result_text, wire_code

if TYPE_CHECKING:
    from payme_sim.operations import Operation, Verdict

# In these two products a failure says nothing more; in the others it comes with one parameter that is no list.
_SAYS_NOTHING_MORE = frozenset({Product.B2C, Product.B2POCHI})
# The same number means another thing here than it does to a prompt.
_TEXTS = {
    "0": "The service request is processed successfully.",
    "17": "Internal failure.",
    "26": "Traffic blocking condition in place.",
    "R000001": "The transaction has already been reversed.",
    "R000002": "The OriginalTransactionID is invalid.",
    "SFC_IC0003": "The operator does not exist.",
}


def result_body(operation: Operation, *, at: datetime, portal_style: bool) -> bytes:
    """Write the result of an operation that has its verdict; in the portal's style all values are strings."""
    verdict = operation.verdict
    assert verdict is not None, "only what was carried out has a result"
    result: dict[str, Any] = {
        "ResultType": 0,
        "ResultCode": wire_code(verdict.code),
        "ResultDesc": _TEXTS.get(verdict.code) or result_text(verdict.code),
        **_ids(operation),
        "TransactionID": verdict.movement.receipt if verdict.movement else receipt_prefix(at) + "0000000",
    }
    parameters = _parameters(operation, verdict, at=at)
    if parameters is not None:
        result["ResultParameters"] = {"ResultParameter": parameters}
    references = [_item(key, value) for key, value in verdict.references or _references(operation)]
    result["ReferenceData"] = {"ReferenceItem": references[0] if len(references) == 1 else references}
    if portal_style:
        result = _as_strings(result)
        item = result["ReferenceData"]["ReferenceItem"]
        result["ReferenceData"]["ReferenceItem"] = item if isinstance(item, list) else [item]
    return wire_json({"Result": result})


def timeout_body(operation: Operation) -> bytes:
    """Write the notice for QueueTimeOutURL; its code is no verdict, the operation still waits."""
    result = {"ResultType": 1, "ResultCode": 1, "ResultDesc": "The service request timed out.", **_ids(operation)}
    return wire_json({"Result": result})


def _ids(operation: Operation) -> dict[str, str]:
    return {
        "OriginatorConversationID": operation.originator_conversation_id,
        "ConversationID": operation.conversation_id,
    }


def _parameters(
    operation: Operation, verdict: Verdict, *, at: datetime
) -> list[dict[str, Any]] | dict[str, Any] | None:
    if verdict.code == PAID:
        return [_item(key, value) for key, value in verdict.parameters]
    return None if operation.errand.product in _SAYS_NOTHING_MORE else _item("BOCompletedTime", stamp(at))


def _references(operation: Operation) -> tuple[tuple[str, Any], ...]:
    """Name the provider's own queue, at a host that nobody outside reaches."""
    queue = f"https://internalsandbox.safaricom.co.ke/mpesa/{operation.errand.product}results/v1/submit"
    return (("QueueTimeoutURL", queue),)


def _item(key: str, value: Any) -> dict[str, Any]:
    return {"Key": key} if value is None else {"Key": key, "Value": value}


def _as_strings(value: Any) -> Any:
    """Turn every number into a string; an amount loses its mark and stays text."""
    if isinstance(value, dict):
        return {key: _as_strings(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_as_strings(inner) for inner in cast("list[Any]", value)]
    return str(value).strip("@")
