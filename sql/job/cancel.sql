-- $1 id, $2 seconds to keep files for
--
-- The row is locked first: a claim or an end that is under way is waited for, and what it
-- made of the row decides. state is what was found.
with target as materialized (
    select id, seq, recipe, state, waiting from job where id = $1 and deleted_at is null for no key update
), cancelled as (
    update job j set state = 'cancelled', class = 'cancelled', ended_at = now()
    from target t where j.id = t.id and t.waiting
    returning j.id
), asked as (
    update job j set cancel_requested_at = now()
    from target t where j.id = t.id and t.state = 'running' and j.cancel_requested_at is null
), over as (
    insert into result (job, seq, recipe, state, class, input_bytes, keep_until)
    select t.id, t.seq, t.recipe, 'cancelled', 'cancelled',
        (select coalesce(sum(i.size), 0) from input i where i.job = t.id), now() + make_interval(secs => $2)
    from target t where t.waiting
)
select state from target
