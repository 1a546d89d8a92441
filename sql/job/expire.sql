-- $1 how many at most, $2 seconds to keep files for
--
-- A job that was claimed and went back before anything started has not begun: no process of
-- it is known, and nothing of it failed.
with late as materialized (
    select id, seq, recipe from job where waiting and wait_until <= now() and failures = 0
        and not exists (select from attempt a where a.job = job.id and a.pid <> 0)
    order by wait_until limit $1 for no key update skip locked
), expired as (
    update job j set state = 'expired', ended_at = now() from late where j.id = late.id
)
insert into result (job, seq, recipe, state, input_bytes, keep_until)
select id, seq, recipe, 'expired', (select coalesce(sum(i.size), 0) from input i where i.job = late.id),
    now() + make_interval(secs => $2)
from late
returning job
