-- $1 name, $2 path, $3 host
--
-- The spool that the database knows stays while a job may have files there.
with bound as (
    insert into spool as s (name, path, host) values ($1, $2, $3)
    on conflict (one) do update set name = excluded.name, path = excluded.path, host = excluded.host, bound_at = now()
    where s.name = excluded.name or not (
        exists (select from job where waiting) or exists (select from live_attempt)
        or exists (select from result where files_gone_at is null))
    returning name, path, host
)
select name, path, host from bound
union all
select name, path, host from spool where not exists (select from bound)
