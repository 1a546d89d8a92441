-- $1 job, $2 number of the input, $3 file, $4 name, $5 size, $6 sha256, $7 media type
with met as (
    update dependency set met_at = now() where job = $1 and input = $2 and met_at is null
    returning job
)
insert into input (job, number, file, name, size, sha256, media_type)
select job, $2, $3, $4, $5, $6, $7 from met
on conflict (job, number) do nothing
