-- $1 id, $2 seconds to keep files for
--
-- The new values follow from the row's own columns alone: when a claim or an end comes
-- first, PostgreSQL works them out again from what that left, and the constraints hold
-- for the version that is thrown away too.
with changed as (
    update job set
        state = case when waiting then 'cancelled' else state end,
        class = case when waiting then 'cancelled' end,
        ended_at = case when waiting then now() end,
        cancel_requested_at = case when not waiting then coalesce(cancel_requested_at, now()) end
    where id = $1 and deleted_at is null and ended_at is null
    returning id, seq, recipe, state, attempt
), over as (
    insert into result (job, seq, recipe, state, class, input_bytes, keep_until)
    select c.id, c.seq, c.recipe, 'cancelled', 'cancelled',
        (select coalesce(sum(i.size), 0) from input i where i.job = c.id), now() + make_interval(secs => $2)
    from changed c where c.state = 'cancelled'
), bye as (
    -- Its attempts can have left a job with a service.
    insert into farewell (job) select id from changed where state = 'cancelled' and attempt > 0
)
select state from changed
