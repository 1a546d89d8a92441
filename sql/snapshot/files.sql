-- The files that people gave and got, of all jobs whose files are in the spool.
with filed as (
    select j.id, j.seq from job j left join result r on r.job = j.id
    where j.deleted_at is null and j.forgotten_at is null and r.files_gone_at is null
)
select f.id as job, 'in/' || i.file as path, i.size, i.sha256, f.seq from filed f join input i on i.job = f.id
union all
select f.id, case o.kind when 'output' then 'out.' else 'preview.' end || o.attempt || '/' || o.file, o.size, o.sha256, f.seq
from filed f join output o on o.job = f.id
order by seq, path
