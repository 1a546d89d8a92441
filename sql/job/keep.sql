-- $1 id, $2 until when
with changed as (
    update result r set keep_until = $2, kept = true from job j
    where r.job = $1 and r.files_gone_at is null and j.id = r.job and j.deleted_at is null
)
select r.job is not null as ended, r.files_gone_at is not null as gone
from job j left join result r on r.job = j.id where j.id = $1 and j.deleted_at is null
