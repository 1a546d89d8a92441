-- $1 ids
select j.id from job j left join result r on r.job = j.id
where j.id = any($1) and j.forgotten_at is null and r.files_gone_at is null
