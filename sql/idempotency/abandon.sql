-- $1 scope, $2 key, $3 mark
delete from idempotency where scope = $1 and key = $2 and claim = $3 and job is null
