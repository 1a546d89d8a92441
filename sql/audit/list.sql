-- $1 verb, '' for all, $2 text, '' for any, $3 id of the last act seen, 0 for none, $4 how many
select id, begun_at, who, address, via, verb, target, detail, coalesce(outcome, '') as outcome from act
where ($1 = '' or verb = $1) and ($3 = 0 or id < $3)
    and ($2 = '' or strpos(lower(who || ' ' || target || ' ' || detail), lower($2)) > 0)
order by id desc limit $4
