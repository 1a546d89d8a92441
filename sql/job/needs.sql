-- $1 job
select needs as job, coalesce(output, '') as output, coalesce(input, 0) as input from dependency where job = $1 order by number
