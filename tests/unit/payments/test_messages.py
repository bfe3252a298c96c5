import pytest

from payme.features.payments.enums import Outcome, Source
from payme.features.payments.rules.transitions import Message
from payme.features.payments.services.checks import message_of, words_for
from payme.integrations.daraja import QueryNote, Reason, Standing, StkQueryResult


@pytest.mark.parametrize(
    ("standing", "reason", "outcome"),
    [
        (Standing.PAID, None, Outcome.PAID),
        (Standing.FAILED, Reason.CANCELLED, Outcome.FAILED),
        (Standing.PENDING, None, Outcome.PENDING),
        (Standing.UNKNOWN, None, Outcome.UNKNOWN),
    ],
)
def test_an_answer_becomes_a_message_without_amount_or_receipt(
    standing: Standing, reason: Reason | None, outcome: Outcome
) -> None:
    said = message_of(StkQueryResult(standing, QueryNote.RESULT, reason=reason, result_code="17"))
    assert said == Message(Source.QUERY, outcome, reason=reason.value if reason else None, result_code="17")


def test_a_failure_has_words_for_people_and_success_needs_none() -> None:
    assert words_for(Message(Source.QUERY, Outcome.FAILED, reason=Reason.CANCELLED.value))
    assert words_for(Message(Source.QUERY, Outcome.PAID)) is None
