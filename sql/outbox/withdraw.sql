-- $1 job, $2 kinds that must not go at all
update outbox set attach = false, withdrawn_at = case when kind = any($2) then now() end
where job = $1 and sent_at is null and withdrawn_at is null
