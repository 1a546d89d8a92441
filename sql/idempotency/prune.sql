-- $1 seconds a key is kept, $2 how many at most
delete from idempotency where (scope, key) in (
    select scope, key from idempotency where created_at < now() - make_interval(secs => $1)
        and (job is not null or pg_try_advisory_xact_lock(instance))
    order by created_at limit $2)
