-- $1 ids, null for all
select j.id from job j left join result r on r.job = j.id
where j.deleted_at is null and j.forgotten_at is null and r.files_gone_at is null and ($1::text[] is null or j.id = any($1))
order by j.seq
