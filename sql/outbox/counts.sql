select count(*) as waiting, count(*) filter (where tries > 0) as failed
from outbox where sent_at is null and withdrawn_at is null
