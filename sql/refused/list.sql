-- $1 before this id, 0 for the newest, $2 how many at most
select * from refusal where ($1::bigint = 0 or id < $1) and refused_at > now() - interval '7 days'
order by id desc limit $2
