-- $1 owner, $2 recipe, $3 code, $4 detail, $5 how long texts may be
insert into refusal (owner, recipe, code, detail) values (left($1, $5), left($2, $5), $3, left($4, $5))
