select queue, count(*) as n from job where waiting group by queue
