"""Pure decisions of payments.

What a message means (`transitions`), whose number a notice shows (`numbers`), what evidence makes of a claim (`claims`), where a
payout goes (`payouts`), what Pull has looked through (`windows`).
"""
