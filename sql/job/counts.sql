-- Waiting jobs are counted by their partial index, running ones by their live attempts, ended ones by result.
select state, count(*) as n from job where waiting group by state
union all
select 'running', count(*) from live_attempt having count(*) > 0
union all
select state, count(*) from result group by state
