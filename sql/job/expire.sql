-- $1 how many at most, $2 seconds to keep files for
with late as materialized (
    select id, seq, recipe from job where waiting and wait_until <= now() and attempt = 0
    order by wait_until limit $1 for no key update skip locked
), expired as (
    update job j set state = 'expired', ended_at = now() from late where j.id = late.id
)
insert into result (job, seq, recipe, state, input_bytes, keep_until)
select id, seq, recipe, 'expired', (select coalesce(sum(i.size), 0) from input i where i.job = late.id),
    now() + make_interval(secs => $2)
from late
returning job
