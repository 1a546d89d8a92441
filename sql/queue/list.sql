-- Waiting jobs are counted by their partial index, running ones by their live attempts.
with waiting as (
    select queue, count(*) as n from job where waiting group by queue
), running as (
    select j.queue, count(*) as n from live_attempt a join job j on j.id = a.job group by j.queue
), named as (
    select queue from lane union select queue from queue_pause
)
select n.queue as name, coalesce(w.n, 0) as waiting, coalesce(r.n, 0) as running, p.paused_at
from named n left join waiting w on w.queue = n.queue left join running r on r.queue = n.queue
    left join queue_pause p on p.queue = n.queue
order by n.queue
