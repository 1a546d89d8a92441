select topic, level, text, remedy, since, host, examined_at from finding order by id
