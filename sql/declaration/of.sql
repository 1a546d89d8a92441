-- $1 job, $2 attempt
select d.recipe, d.version, d.text
from (select job, number, recipe_version from attempt union all select job, number, recipe_version from live_attempt) a
    join job j on j.id = a.job join declaration d on d.recipe = j.recipe and d.version = a.recipe_version
where a.job = $1 and a.number = $2
