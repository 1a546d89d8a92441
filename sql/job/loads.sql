select recipe, sum(waiting)::int as waiting, sum(running)::int as running from (
    select recipe, 1 as waiting, 0 as running from job where waiting
    union all
    select j.recipe, 0, 1 from live_attempt a join job j on j.id = a.job
) as live group by recipe order by recipe
