-- $1 id, $2 seconds to keep files for, $3 reason, $4 hint
with ended as (
    update job set state = 'cancelled', class = 'cancelled', ended_at = now() where id = $1 and blocked
    returning id, seq, recipe
)
insert into result (job, seq, recipe, state, class, detail, hint, input_bytes, keep_until)
select e.id, e.seq, e.recipe, 'cancelled', 'cancelled', $3, $4,
    (select coalesce(sum(i.size), 0) from input i where i.job = e.id), now() + make_interval(secs => $2)
from ended e
