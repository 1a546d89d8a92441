-- $1 id, $2 seconds to keep files for (a deleted job's go as soon as it is dead)
with target as materialized (
    select id, seq, recipe, state, waiting from job where id = $1 and deleted_at is null for no key update
), gone as (
    update job j set deleted_at = now(),
        state = case when t.waiting then 'cancelled' else j.state end,
        class = case when t.waiting then 'cancelled' else j.class end,
        ended_at = case when t.waiting then now() else j.ended_at end,
        cancel_requested_at = case when t.state = 'running' then coalesce(j.cancel_requested_at, now())
            else j.cancel_requested_at end
    from target t where j.id = t.id
), over as (
    insert into result (job, seq, recipe, state, class, input_bytes, keep_until)
    select t.id, t.seq, t.recipe, 'cancelled', 'cancelled',
        (select coalesce(sum(i.size), 0) from input i where i.job = t.id), now() + make_interval(secs => $2)
    from target t where t.waiting
), unattached as (
    update outbox o set attach = false
    from target t where o.job = t.id and o.sent_at is null and o.withdrawn_at is null
)
select state from target
