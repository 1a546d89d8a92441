-- $1 how many at most
--
-- The turn of a job that waited for its time has passed: it goes to the front, not below
-- it, where a claimer no longer looks at every claim.
update job j set state = case when gated then 'blocked' else 'queued' end, turn = greatest(j.turn,
    (select q.turn from queue_turn q where q.queue = j.queue order by q.turn desc limit 1))
where id in (
    select id from job where waiting and run_at <= now() and state = 'scheduled'
    order by run_at limit $1 for no key update skip locked)
