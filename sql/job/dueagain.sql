-- $1 how many at most
--
-- Another attempt is put off by minutes at most, so a later date came from a clock that
-- was wrong.
update job j set state = case when gated then 'blocked' else 'queued' end, turn = greatest(j.turn,
    (select q.turn from queue_turn q where q.queue = j.queue order by q.turn desc limit 1))
where id in (
    select id from job where waiting and run_at is not null and state = 'scheduled' and attempt > 0
        and (run_at <= now() or run_at > now() + interval '20 minutes')
    order by run_at limit $1 for no key update skip locked)
