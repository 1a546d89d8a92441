-- $1 id, $2 seconds to keep files for (a deleted job's go as soon as it is dead)
--
-- As in cancel.sql the new values follow from the row's own columns alone. A job that was
-- cancelled before has its result already; one that waited gets it now.
with changed as (
    update job set deleted_at = now(),
        state = case when waiting then 'cancelled' else state end,
        class = case when waiting then 'cancelled' else class end,
        ended_at = case when waiting then now() else ended_at end,
        cancel_requested_at = case when state = 'running' then coalesce(cancel_requested_at, now())
            else cancel_requested_at end
    where id = $1 and deleted_at is null
    returning id, seq, recipe, state, attempt, ended_at
), over as (
    insert into result (job, seq, recipe, state, class, input_bytes, keep_until)
    select c.id, c.seq, c.recipe, 'cancelled', 'cancelled',
        (select coalesce(sum(i.size), 0) from input i where i.job = c.id), now() + make_interval(secs => $2)
    from changed c where c.state = 'cancelled'
    on conflict (job) do nothing
), bye as (
    -- As in cancel.sql; for one that ended before there is nothing left to be told.
    insert into farewell (job) select id from changed where state = 'cancelled' and attempt > 0 and ended_at = now()
    on conflict (job) do nothing
), unattached as (
    update outbox o set attach = false
    from changed c where o.job = c.id and o.sent_at is null and o.withdrawn_at is null
)
select state from changed
