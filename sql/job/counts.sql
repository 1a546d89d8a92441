-- Waiting and running jobs are counted by their partial indexes, ended ones by result.
select state, count(*) as n from job where waiting group by state
union all
select 'running', count(*) from attempt where ended_at is null having count(*) > 0
union all
select state, count(*) from result group by state
