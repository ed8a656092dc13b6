-- When the next level is told that nobody has taken an anomaly up (Art. 22); 0 for never. What stands already has had its time
-- three days after it was first seen.
alter table anomaly add column next_at bigint not null default 0;
update anomaly set next_at = since + 259200000000 where stage = 'open';

create index anomaly_next on anomaly (next_at) where next_at > 0;
