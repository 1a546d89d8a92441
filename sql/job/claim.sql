-- $1 dispatcher, $2 boot id, $3 how many at most, $4 free places per queue.
--
-- lane finds the queues that have something to claim by jumping from one to the next in
-- the index. From each, as many jobs are locked as there are places; jobs that another
-- claimer has locked are passed over. The lock leaves room for foreign keys' key share.
-- Every step is materialized: planned as a join it could be run again and take more.
with recursive lane (queue) as (
    (select queue from job where claimable order by queue limit 1)
    union all
    select (select n.queue from job n where n.claimable and n.queue > lane.queue order by n.queue limit 1)
    from lane where lane.queue is not null
), candidate as materialized (
    select c.id, c.queue, c.priority, c.turn, c.seq
    from lane cross join lateral (
        select j.id, j.queue, j.priority, j.turn, j.seq from job j
        where j.claimable and j.queue = lane.queue and (j.attempt > 0 or j.wait_until is null or j.wait_until > now())
        order by j.priority desc, j.turn, j.seq
        limit least(greatest(coalesce(($4::json ->> lane.queue)::integer, $3::integer), 0), $3::integer)
        for no key update skip locked
    ) c
    where lane.queue is not null
), chosen as materialized (
    select * from candidate order by priority desc, turn, seq limit $3::integer
), claimed as (
    update job j set state = 'running', attempt = j.attempt + 1, started_at = now(),
        token = replace(gen_random_uuid()::text, '-', '')
    from chosen where j.id = chosen.id
    returning j.*
), started as (
    insert into attempt (job, number, recipe_version, dispatcher, boot_id)
    select id, attempt, recipe_version, $1, $2 from claimed
), passed as (
    insert into queue_turn as q (queue, turn) select queue, max(turn) from chosen group by queue
    on conflict (queue) do update set turn = excluded.turn where q.turn < excluded.turn
)
select j.id, j.owner, coalesce(j.manage_hash, '') as manage_hash,
    coalesce(j.group_id, '') as group_id, coalesce(j.retry_of, '') as retry_of,
    j.state, j.attempt, j.failures, j.max_attempts, false as cancel_requested,
    j.created_at, j.run_at, j.started_at, j.wait_until,
    j.recipe, j.recipe_version, j.queue, j.priority, j.params, j.tags, j.email, j.lang, j.trace_context,
    j.token, $1 as dispatcher, $2 as boot_id,
    (select coalesce(json_agg(i order by i.number), '[]') from input i where i.job = j.id) as inputs
from claimed j order by j.priority desc, j.turn, j.seq
