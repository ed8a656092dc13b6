-- What connected systems send (docs/adr/0046-records-of-connected-systems.md).

-- One row a source: batches of one source take turns on it.
create table feed (
  source text not null primary key,
  batches bigint not null
);

-- The newest version of each row of a source.
create table feed_row (
  source text not null,
  row_id text not null,
  version bigint not null,
  kind text not null,
  removed bigint not null,
  hall_id text not null,
  queue_id text not null,
  date text not null,
  hour bigint not null,           -- -1 for none
  item text not null,
  units bigint not null,
  state text not null,
  booking text not null,          -- row of the booking it is about
  number bigint not null,         -- capacity, or grade
  applicant_kind text not null,
  person text not null,           -- keyed hash of the applicant, '' for none
  claim text not null,            -- what it holds of the applicant's, '' for nothing
  sealed bytea not null,          -- booking.Party
  happened_at bigint not null,
  received_at bigint not null,
  primary key (source, row_id)
) /*+sqlite without rowid*/;

create index feed_row_day on feed_row (hall_id, date);
create index feed_row_claim on feed_row (date) where claim <> '';

-- Every version that has come, so that none counts twice.
create table feed_version (
  source text not null,
  row_id text not null,
  version bigint not null,
  digest text not null,           -- keyed, of its content
  primary key (source, row_id, version)
) /*+sqlite without rowid*/;

-- How far the running numbers of a hall and kind have come.
create table feed_line (
  source text not null,
  hall_id text not null,
  kind text not null,
  line text not null,             -- JSON feed.Line
  primary key (source, hall_id, kind)
);

-- An active booking of a connected system whose applicant has another for the same item.
create table feed_conflict (
  source text not null,
  row_id text not null,
  hall_id text not null,
  date text not null,
  item text not null,
  person text not null,
  other text not null,            -- what holds the claim: a booking here, or a row of a source
  other_hall text not null,
  found_at bigint not null,
  ended_at bigint not null,       -- 0 while it stands
  primary key (source, row_id)
);

create index feed_conflict_open on feed_conflict (found_at) where ended_at = 0;
