-- The balance and the time that a notice of money tells: where the balance jumps, a notice was lost.

alter table payment_evidence
  add column balance_cents bigint,
  add column paid_at timestamptz;
comment on column payment_evidence.balance_cents is 'The short code''s balance after the payment, as its notice told it.';
comment on column payment_evidence.paid_at is 'When M-Pesa says that the payment was made; told with a balance alone.';
