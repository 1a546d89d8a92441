-- $1 scope, $2 key, $3 mark, $4 job, $5 fingerprint
update idempotency set job = $4, fingerprint = $5, created_at = now()
where scope = $1 and key = $2 and claim = $3 and job is null
