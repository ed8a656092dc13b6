-- What is not as usual at a hall, until somebody closes it (Art. 22).
create table anomaly (
  id text not null primary key,
  kind text not null,
  hall_id text not null,
  queue_id text not null,         -- '' for the hall as a whole
  source_id text not null,        -- of a connected system, '' for none
  stage text not null,            -- open, taken, acted, closed
  date text not null,             -- the last day it was seen on
  since bigint not null,
  seen_at bigint not null,
  ended_at bigint not null,       -- since when it is not seen any more; 0 for not yet
  closed_at bigint not null,      -- 0 while somebody has to close it
  request text not null,          -- it led to
  detail text not null,           -- JSON: what was seen and expected, who did what about it
  version bigint not null
);

create unique index anomaly_open on anomaly (hall_id, kind, queue_id, source_id) where closed_at = 0;
create index anomaly_last on anomaly (hall_id, kind, queue_id, source_id, closed_at);
create index anomaly_since on anomaly (since);

-- Which halls were looked at up to when.
create table hall_watch (
  hall_id text not null primary key,
  date text not null,             -- today, as it was then
  hour bigint not null,           -- of today, before which was looked
  settled text not null           -- the last whole day that was looked at
);

-- In whose hands the numbers of a day were: counted once, without anybody's name.
create table hall_hands (
  hall_id text not null,
  date text not null,
  detail text not null,           -- JSON oversight.Hands
  primary key (hall_id, date)
);

-- What was advised for a queue's coming days, and what became of it.
create table advice (
  id text not null primary key,
  hall_id text not null,
  queue_id text not null,
  kind text not null,
  state text not null,            -- open, followed, dismissed, over
  made_at bigint not null,
  until text not null,            -- its last day
  request text not null,
  detail text not null,           -- JSON
  version bigint not null
);

create unique index advice_open on advice (hall_id, queue_id, kind) where state = 'open';
create index advice_made on advice (made_at);
