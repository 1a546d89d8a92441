-- $1 dispatcher, $2 boot id, $3 how many at most, $4 free places per queue, $5 the turn
-- from which on a lane is looked through, where that is known, $6 recipes to pass over,
-- $7 a secret of this claim alone: each job's token is made of it and the job's id, which
-- costs less than as many random numbers.
--
-- The commit does not wait for the disk: confirm.sql does, while the next claim goes on.
--
-- From each lane, as many jobs are locked as its queue has places; jobs that another
-- claimer has locked are passed over. The lock leaves room for foreign keys' key share.
-- Every step is materialized: planned as a join it could be run again and take more. What
-- comes back is what places are given by; the claim is short, however much a job has.
with quick as materialized (
    select set_config('synchronous_commit', 'off', true)
), open as materialized (
    select l.queue, l.priority, coalesce(f.turn, 0) as floor,
        least(greatest(coalesce(($4::json ->> l.queue)::integer, $3::integer), 0), $3::integer) as places
    from quick cross join lane l left join json_to_recordset($5::json) as f (queue text, priority smallint, turn bigint)
        on f.queue = l.queue and f.priority = l.priority
    where not exists (select from queue_pause p where p.queue = l.queue)
), candidate as materialized (
    select c.*, row_number() over (partition by c.queue order by c.priority desc, c.turn, c.seq) as place, open.places
    from open cross join lateral (
        select j.id, j.queue, j.priority, j.turn, j.seq from job j
        where j.claimable and j.queue = open.queue and j.priority = open.priority and j.turn >= open.floor
            and j.recipe <> all(coalesce($6::text[], '{}')) and (j.attempt > 0 or j.wait_until is null or j.wait_until > now())
        order by j.turn, j.seq limit open.places
        for no key update skip locked
    ) c
    where open.places > 0
), chosen as materialized (
    select * from candidate where place <= places order by priority desc, turn, seq limit $3::integer
), claimed as (
    update job j set state = 'running', attempt = j.attempt + 1, started_at = now(),
        token = encode(sha256(convert_to($7 || j.id, 'UTF8')), 'hex')
    from chosen where j.id = chosen.id
    returning j.id, j.seq, j.retry_of, j.replays, j.attempt, j.failures, j.max_attempts, j.started_at,
        j.recipe, j.recipe_version, j.queue, j.priority, j.token, j.turn
), started as (
    insert into live_attempt (job, number, recipe_version, dispatcher, boot_id)
    select id, attempt, recipe_version, $1, $2 from claimed
), passed as (
    insert into queue_turn (queue, turn) select queue, max(turn) from chosen group by queue
    on conflict (queue, turn) do nothing
)
select j.id, coalesce(j.retry_of, ''), coalesce(j.replays, 0), j.attempt, j.failures, j.max_attempts, j.started_at,
    j.recipe, j.recipe_version, j.queue, j.priority, j.token, j.turn
from claimed j order by j.priority desc, j.turn, j.seq
