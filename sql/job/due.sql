-- $1 how many at most
update job set state = 'queued'
where id in (
    select id from job where waiting and run_at <= now() and state = 'scheduled'
    order by run_at limit $1 for no key update skip locked)
