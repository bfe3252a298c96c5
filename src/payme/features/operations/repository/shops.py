"""What the doctor sees of the ways in which the business at hand is paid by M-Pesa: what its last trials and prompts came to."""

from dataclasses import dataclass
from datetime import datetime

from payme.runtime.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class SetupFinding:
    """Something that is known of a way to be paid. `source` is what told it, `code` what exactly, `words` for people.

    `probe`: a check of the newest trial since the last change, by its mark. `untried`: none since then. `notices`: the newest
    registration, where the addresses are not ours. `prompt`: why the newest prompt that came to an end failed.
    """

    kind: str
    shortcode: str
    source: str
    subject: str
    code: str
    words: str


async def list_setup(uow: UnitOfWork, *, answered_until: datetime) -> list[SetupFinding]:
    """Return what is known against each active paybill and till; an operator's silence counts when asked before `answered_until`."""
    rows = await uow.fetch(
        """-- operations.list_setup
        with ways as (
          select m.kind, coalesce(m.shortcode, '') as shortcode, (select p.id from payment_probes p
            where p.business_id = $1 and p.kind = m.kind and p.created_at >= m.changed_at
            order by p.created_at desc, p.id desc limit 1) as probe_id
          from payment_methods m where m.business_id = $1 and m.active and m.kind in ('paybill', 'till')
        ), told as (
          select w.kind, w.shortcode, r.state, r.note, exists (select from c2b_registrations o where o.business_id = $1
            and o.kind = w.kind and o.shortcode = w.shortcode and o.state = 'registered') as is_ours from ways w cross join lateral (
            select state, note from c2b_registrations r where r.business_id = $1 and r.kind = w.kind and r.shortcode = w.shortcode
            order by r.created_at desc, r.id desc limit 1) r
        ), asked as (
          select w.kind, w.shortcode, p.status, p.reason_code, p.reason_text from ways w cross join lateral (
            select status, reason_code, reason_text from payments p where p.business_id = $1 and p.method = 'mpesa_stk'
              and p.payee = 'business' and p.shortcode = w.shortcode and p.status in ('succeeded', 'failed')
            order by p.created_at desc, p.id desc limit 1) p
        )
        select w.kind, w.shortcode, 'probe' as source, c.name as subject,
          case when c.mark = 'waiting' then 'silent' else c.mark end as code, c.found as words
        from ways w join payment_probe_checks c on c.business_id = $1 and c.probe_id = w.probe_id
        join payment_probes p on p.business_id = $1 and p.id = w.probe_id
        where c.mark = 'bad' or (c.mark = 'waiting' and p.created_at < $2)
        union all
        select kind, shortcode, 'untried', 'probe', 'untried', '' from ways where probe_id is null
        union all
        select kind, shortcode, 'notices', 'notices', state, note from told where state = 'failed' or (state = 'already_registered' and not is_ours)
        union all
        select kind, shortcode, 'prompt', 'prompts', coalesce(reason_code, ''), coalesce(reason_text, '') from asked where status = 'failed'
        order by 1, 3, 4""",
        uow.tenant,
        answered_until,
    )
    return [SetupFinding(**row) for row in rows]
