-- $1 recipe, $2 version, $3 text
insert into declaration (recipe, version, text) values ($1, $2, $3)
on conflict (recipe, version) do update set used_at = now()
