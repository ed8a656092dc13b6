-- Instants are bigint microseconds UTC, local dates text YYYY-MM-DD, ids text made by us.
-- A comment of the form /*+engine text*/ is SQL for that engine only.

-- The directory: small, read into memory, replicated everywhere.

create table unit (
  id text not null primary key,
  parent_id text not null,
  kind text not null,
  name text not null,            -- JSON directory.Text
  closed bigint not null default 0
);

create table hall (
  id text not null primary key,
  number bigint not null unique, -- small, dense, never reused
  unit_id text not null,
  parent_hall text not null,
  level text not null,
  district_id text not null,
  street_id text not null,
  detail text not null,          -- JSON: names, address, phone, place, notice
  closed bigint not null default 0
);

create table queue (
  id text not null primary key,
  hall_id text not null,
  detail text not null,          -- JSON directory.Queue
  closed bigint not null default 0
);

create table item (
  code text not null primary key,
  detail text not null,          -- JSON directory.Item
  closed bigint not null default 0
);

create table offering (
  hall_id text not null,
  item text not null,
  queue_id text not null,
  stages text not null,          -- comma separated
  batch_max bigint not null,
  closed bigint not null default 0,
  primary key (hall_id, item, queue_id)
);

create table calendar_day (
  date text not null primary key,
  kind text not null,
  festival text not null
);

create table calendar_year (
  year bigint not null primary key,
  status text not null
);

create table rulebook (
  id text not null primary key,
  effective_from text not null unique,
  detail text not null           -- JSON rulebook.Rulebook
);

-- What changes at noon. hall_id is part of every key so that the tables can be distributed by it.

create table slot (
  hall_id text not null,
  id text not null,
  queue_id text not null,
  date text not null,
  hour bigint not null,
  capacity bigint not null,      -- off-site numbers
  taken bigint not null default 0,
  on_site bigint not null default 0,
  on_site_taken bigint not null default 0,
  release_at bigint not null,
  closed bigint not null default 0,
  revision bigint not null default 0, -- +1 with each change, so that older news is known as such
  primary key (hall_id, id),
  check (taken >= 0 and taken <= capacity),
  check (on_site_taken >= 0 and on_site_taken <= on_site)
) /*+sqlite without rowid*/ /*+postgres with (fillfactor = 60)*/;

create index slot_by_date on slot (date);

create table booking (
  id text not null,
  hall_id text not null,
  queue_id text not null,
  slot_id text not null,
  date text not null,
  hour bigint not null,
  item text not null,
  stage text not null,
  units bigint not null,
  state text not null,
  channel text not null,
  applicant_kind text not null,
  booker text not null,
  applicant text not null,
  sealed bytea not null,
  version bigint not null,
  created_at bigint not null,
  changed_at bigint not null,
  primary key (id, hall_id),
  check (units > 0)
) /*+sqlite without rowid*/;

create index booking_by_slot on booking (hall_id, slot_id);

-- A person holds a claim once, across halls, nodes and shards. Led by person: one place in one
-- index for everything a booking claims.
create table claim (
  person text not null,
  name text not null,
  hall_id text not null,
  booking text not null,
  hash text not null,
  primary key (person, name)
) /*+sqlite without rowid*/;

create table event (
  booking text not null,
  version bigint not null,
  hall_id text not null,
  kind text not null,
  at bigint not null,
  actor text not null,
  channel text not null,
  slot_id text not null,
  from_slot text not null,
  primary key (booking, version, hall_id)
) /*+sqlite without rowid*/;

create table message (
  booking text not null,
  version bigint not null,
  kind text not null,
  hall_id text not null,
  state text not null,           -- pending, sent, failed
  due_at bigint not null,
  attempts bigint not null default 0,
  sent_at bigint not null default 0,
  receipt text not null default '',
  primary key (booking, version, kind, hall_id)
) /*+sqlite without rowid*/;

create index message_due on message (due_at) where state = 'pending';

-- One row for each commit of a lane that changed slots. A lane commits one at a time, so its
-- numbers come to light in order and a reader that asks for what lies after the last one it saw
-- misses nothing.
create table slot_news (
  lane text not null,
  seq bigint not null,
  at bigint not null,
  slots text not null,           -- JSON array of [hall, slot]
  primary key (lane, seq)
) /*+sqlite without rowid*/;

create index slot_news_at on slot_news (at);

-- The lanes whose news others read. A running node touches its own from time to time.
create table lane (
  name text not null primary key,
  seen_at bigint not null
);

-- Numbers for booking ids, handed to nodes in blocks.
create table counter (
  name text not null primary key,
  next bigint not null
);

create table lease (
  name text not null primary key,
  holder text not null,
  until bigint not null
);

create table session (
  token_hash text not null primary key,
  id text not null unique,
  person text not null,
  sealed bytea not null,         -- identity.Person
  level bigint not null,
  created_at bigint not null,
  seen_at bigint not null,
  expires_at bigint not null,
  ended_at bigint not null default 0
);

create index session_by_person on session (person);
create index session_ended on session (ended_at) where ended_at > 0;

-- The codes of the last hours. A row sent at 0 is no code: transactions about a phone take turns on it.
create table one_time_code (
  phone text not null,           -- keyed hash
  sent_at bigint not null,
  code_hash text not null,       -- keyed hash of the code and of what it was asked for
  wrong bigint not null default 0,
  used bigint not null default 0,
  primary key (phone, sent_at)
);

-- A row without an id is nobody: transactions about an owner take turns on it.
create table kept_person (
  owner text not null,
  id text not null,
  sealed bytea not null,         -- booking.Party
  created_at bigint not null,
  primary key (owner, id)
);
