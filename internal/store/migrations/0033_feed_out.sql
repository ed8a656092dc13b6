-- What connected systems are told, and what comparing their lists with ours came to
-- (docs/adr/0046-records-of-connected-systems.md).

-- Events of bookings at halls of connected systems, in an order that readers can go on from: one row of feed_out is
-- locked while numbers are given, so that they come to light in their order.
create table feed_event (
  seq bigint not null primary key,
  booking text not null,
  version bigint not null,
  hall_id text not null,
  kind text not null,
  at bigint not null,
  slot_id text not null,
  from_slot text not null
);

create unique index feed_event_once on feed_event (booking, version, hall_id);
create index feed_event_hall on feed_event (hall_id, seq);

create table feed_out (
  id bigint not null primary key,
  seq bigint not null,            -- the last number that was given
  seen_at bigint not null,        -- events up to then were looked at
  deep_at bigint not null         -- when those long before were looked at again
);

-- Events are found by when they happened. They come nearly in that order, so the index grows at its end.
create index event_at on event (at);

-- The last comparison of a list.
create table feed_check (
  source text not null,
  hall_id text not null,
  date text not null,
  kind text not null,
  checked bigint not null,
  agreed bigint not null,
  at bigint not null,
  primary key (source, hall_id, date, kind)
);

-- Rows that stand in the other side's list and have not come: expected until they do.
create table feed_missing (
  source text not null,
  row_id text not null,
  hall_id text not null,
  date text not null,
  kind text not null,
  primary key (source, row_id)
);

create index feed_missing_list on feed_missing (source, hall_id, date, kind);
