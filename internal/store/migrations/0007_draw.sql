-- The verifiable draw: who asks in the first minute after a release is ordered by lot (docs/adr/0026-fair-noon.md).

create table draw (
  id text not null primary key,  -- queue and day of the release
  hall_id text not null,
  queue_id text not null,
  release_at bigint not null,
  until_at bigint not null,
  commitment text not null,
  sealed bytea not null,         -- the seed
  seed text not null default '', -- hexadecimal, once the draw is done
  state text not null,           -- announced, closed, done
  published_at bigint not null,
  drawn_at bigint not null default 0,
  revision bigint not null default 0 -- +1 with each group of entries: they take turns on this row
);

create index draw_coming on draw (release_at) where state <> 'done';
create index draw_by_queue on draw (queue_id, release_at);

-- One of a booker, and of an applicant, for an item.
create table draw_entry (
  draw text not null,
  booker text not null,
  item text not null,
  applicant text not null,
  id text not null,              -- of the booking it may become
  hall_id text not null,
  slot_id text not null,
  stage text not null,
  units bigint not null,
  applicant_kind text not null,
  level bigint not null,
  channel text not null,
  instead text not null,
  key text not null,
  hash text not null,
  salt text not null,
  entry text not null,           -- on the public list
  sealed bytea not null,         -- booking.Parties; empty some time after the draw
  at bigint not null,
  rank bigint not null default 0,
  outcome text not null default '', -- '' waiting, booked, or the code of what stood against it
  primary key (draw, booker, item)
) /*+sqlite without rowid*/;

create unique index draw_entry_applicant on draw_entry (draw, applicant, item);
create unique index draw_entry_key on draw_entry (booker, key);
create unique index draw_entry_text on draw_entry (draw, entry);
create unique index draw_entry_id on draw_entry (id);
