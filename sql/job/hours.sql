-- $1 how many hours back. Every hour is there, those without ends with nothing.
with ends as (
    select date_trunc('hour', r.ended_at) as hour, r.state, r.wall_seconds,
        extract(epoch from j.started_at - j.created_at)::float8 as waited
    from result r join job j on j.id = r.job
    where r.ended_at > date_trunc('hour', now()) - make_interval(hours => $1 - 1)
)
select h.hour, count(e.*) filter (where e.state = 'succeeded') as succeeded, count(e.*) filter (where e.state = 'failed') as failed,
    count(e.*) filter (where e.state in ('cancelled', 'expired')) as cancelled,
    percentile_cont(0.5) within group (order by e.waited) filter (where e.waited is not null) as waited,
    percentile_cont(0.5) within group (order by e.wall_seconds) filter (where e.state = 'succeeded') as ran
from generate_series(date_trunc('hour', now()) - make_interval(hours => $1 - 1), date_trunc('hour', now()), interval '1 hour') as h(hour)
left join ends e on e.hour = h.hour
group by h.hour order by h.hour
