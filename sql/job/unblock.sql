-- $1 how many at most
--
-- Of those that share a concurrency key the first in the order of the claim is let
-- through, if none with the key is queued or runs. Callers hold the gate's lock.
with ready as materialized (
    select j.id, j.concurrency_key, row_number() over (
        partition by j.concurrency_key order by j.priority desc, j.turn, j.seq) as place
    from job j where j.blocked
        and not exists (select from dependency d where d.job = j.id and d.met_at is null)
        and (j.concurrency_key is null or not (
            exists (select from job q where q.waiting and q.claimable and q.concurrency_key = j.concurrency_key)
            or exists (select from live_attempt a join job r on r.id = a.job
                where r.concurrency_key = j.concurrency_key)))
    limit $1 * 10
)
update job j set state = 'queued', turn = greatest(j.turn,
    (select q.turn from queue_turn q where q.queue = j.queue order by q.turn desc limit 1))
from ready where j.id = ready.id and j.blocked and (ready.concurrency_key is null or ready.place = 1)
