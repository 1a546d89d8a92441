-- $1 id, $2 reason, $3 when to try again, $4 whether files may still go with it
update outbox set tries = tries + 1, last_error = $2, due_at = $3, attach = attach and $4
where id = $1 and sent_at is null and withdrawn_at is null
