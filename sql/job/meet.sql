-- An awaited output is met only when it was delivered; see deliver.sql.
update dependency d set met_at = now() from job n
where d.met_at is null and d.output is null and n.id = d.needs and n.deleted_at is null and n.state = 'succeeded'
