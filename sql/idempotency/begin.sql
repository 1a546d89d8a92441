-- $1 scope, $2 key, $3 instance, $4 the new claim's mark, $5 seconds a key is kept
--
-- The key is taken when it is new, when it is too old to count, and when it is in
-- progress in a process that is gone: a live one holds a session lock on its number, so
-- whoever can take that lock has proved it dead. Otherwise the row is returned as it is.
with written as (
    insert into idempotency as k (scope, key, instance, claim) values ($1, $2, $3, $4)
    on conflict (scope, key) do update
        set instance = excluded.instance, claim = excluded.claim, job = null, fingerprint = null, created_at = now()
        where (k.job is not null and k.created_at < now() - make_interval(secs => $5))
            or (k.job is null and pg_try_advisory_xact_lock(k.instance))
    returning claim, ''::text as job, ''::bytea as fingerprint
)
select claim, job, fingerprint from written
union all
select claim, coalesce(job, ''), coalesce(fingerprint, '') from idempotency
where scope = $1 and key = $2 and not exists (select from written)
