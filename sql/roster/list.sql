select *, seen_at > now() - interval '30 seconds' and state <> 'stopped' as lately
from dispatcher order by lately desc, seen_at desc limit 100
