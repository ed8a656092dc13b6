-- More people wait at a queue than numbers are released for its window (Art. 16).
create table wait_alert (
  id text not null primary key,
  hall_id text not null,
  queue_id text not null,
  waiting bigint not null,        -- units, as last seen
  released bigint not null,       -- numbers, as last seen
  most bigint not null,           -- the most that waited while it stood
  since bigint not null,
  level bigint not null,          -- how many levels were reminded, after all were told
  next_at bigint not null,        -- when the next is; 0 for never
  ack_by text not null,
  ack_at bigint not null,
  told_at bigint not null,        -- those waiting, of the online way
  ended_at bigint not null,       -- 0 while it stands
  version bigint not null
);

create unique index wait_alert_open on wait_alert (queue_id) where ended_at = 0;
create index wait_alert_since on wait_alert (since);
