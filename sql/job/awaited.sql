-- $1 how many at most
select d.job, j.recipe, d.input, d.needs, d.output, coalesce(o.attempt, 0) as attempt, coalesce(o.file, '') as file,
    coalesce(o.name, '') as name, coalesce(o.size, 0) as size, coalesce(o.sha256, '') as sha256,
    coalesce(o.media_type, '') as media_type, o.job is null or r.files_gone_at is not null as missing
from dependency d join job j on j.id = d.job join job n on n.id = d.needs and n.deleted_at is null
    join result r on r.job = n.id
    left join output o on o.job = n.id and o.kind = 'output' and o.name = d.output
where d.met_at is null and d.output is not null and j.blocked and n.state = 'succeeded'
order by j.seq, d.number limit $1
