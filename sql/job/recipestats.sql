select recipe, count(*) filter (where state = 'succeeded') as succeeded,
    count(*) filter (where state = 'failed') as failed, count(*) filter (where state = 'cancelled') as cancelled,
    count(*) filter (where state = 'expired') as expired,
    percentile_cont(0.5) within group (order by wall_seconds) filter (where state = 'succeeded') as seconds,
    coalesce(sum(cpu_seconds), 0) as cpu_seconds, coalesce(max(peak_memory_bytes), 0) as peak_memory_bytes
from result where ended_at > now() - interval '24 hours'
group by recipe order by recipe
