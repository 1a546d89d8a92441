-- $1 ids
delete from job j using result r
where j.id = any($1) and r.job = j.id and r.files_gone_at is not null
