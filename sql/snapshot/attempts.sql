-- The attempts that have ended, whose logs are in the spool; 0 for each job as such.
with filed as (
    select j.id from job j left join result r on r.job = j.id
    where j.deleted_at is null and j.forgotten_at is null and r.files_gone_at is null
)
select id as job, 0 as number from filed
union all
select f.id, a.number from filed f join attempt a on a.job = f.id
order by job, number
