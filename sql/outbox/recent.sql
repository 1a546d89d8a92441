-- $1 kind, $2 since
select id, coalesce(job, '') as job, key, kind, recipient, attach, payload, tries, last_error, created_at
from outbox where kind = $1 and created_at >= $2 and (tries > 0 or sent_at is not null or withdrawn_at is not null)
order by id
