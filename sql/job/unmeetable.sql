-- $1 how many at most, $2 seconds to keep files for
--
-- A dependency can no longer be met when its job ended otherwise than by success, or is
-- not there any more.
with doomed as materialized (
    select distinct on (j.id) j.id, j.seq, j.recipe, d.needs,
        case when n.id is null then 'was removed' when n.state = 'cancelled' then 'was cancelled' else n.state end as came_to
    from dependency d join job j on j.id = d.job left join job n on n.id = d.needs and n.deleted_at is null
    where d.met_at is null and j.waiting
        and (n.id is null or n.state in ('failed', 'cancelled', 'expired'))
    order by j.id, d.number limit $1
), ended as (
    update job j set state = 'cancelled', class = 'cancelled', ended_at = now()
    from doomed where j.id = doomed.id and j.waiting
    returning j.id
)
insert into result (job, seq, recipe, state, class, detail, hint, input_bytes, keep_until)
select d.id, d.seq, d.recipe, 'cancelled', 'cancelled',
    'The job ' || d.needs || ', which this one was to follow, ' || d.came_to || '.',
    'Send both again once it is clear why.',
    (select coalesce(sum(i.size), 0) from input i where i.job = d.id), now() + make_interval(secs => $2)
from doomed d join ended e on e.id = d.id
returning job
