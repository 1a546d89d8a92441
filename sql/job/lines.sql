-- A job that was given a date, or is tried again, waits from that time on.
select queue, state, count(*) as n,
    greatest(0, extract(epoch from now() - min(greatest(created_at, coalesce(run_at, created_at)))))::double precision as oldest_seconds
from job where waiting group by queue, state order by queue, state
