-- $1 recipe, '' for all, $2 how many at most
select * from failure where $1 = '' or recipe = $1
order by failures desc, last_at desc, recipe, class, reason limit $2
