-- $1 id
update outbox set sent_at = now() where id = $1 and sent_at is null and withdrawn_at is null
