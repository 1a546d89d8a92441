-- $1 id, $2 how far to count: the order of the claim within the job's queue.
with asked as materialized (
    select queue from job where id = $1 and claimable and deleted_at is null
), line as (
    select j.id, row_number() over (order by j.priority desc, j.turn, j.seq) as n
    from asked cross join lateral (
        select id, priority, turn, seq from job
        where claimable and queue = asked.queue order by priority desc, turn, seq limit $2) j
)
select n from line where id = $1
