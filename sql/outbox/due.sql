-- $1 how many
select id, coalesce(job, '') as job, key, kind, recipient, attach, payload, tries, last_error, created_at
from outbox where sent_at is null and withdrawn_at is null and due_at <= now()
order by due_at, id limit $1
