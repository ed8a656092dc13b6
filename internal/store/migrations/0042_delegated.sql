-- Queues whose numbers are those of a department's own system (docs/adr/0052-three-ways-to-connect.md).

-- How a queue is booked: each row says it from an instant on. A queue without a row is booked here, with numbers of the platform's.
create table queue_way (
  queue_id text not null,
  from_at bigint not null,
  way text not null,              -- full, delegated, reporting
  source text not null,           -- the connected system, '' for full
  primary key (queue_id, from_at)
);

-- The adapter of a connected system, and its own booking page.
create table adapter (
  source text not null primary key,
  base text not null,             -- address of the adapter, '' for none
  profile text not null,          -- how the platform signs
  key_id text not null,
  sealed bytea not null,          -- secret or private key
  page text not null,             -- address of the department's own booking page, '' for none
  page_sealed bytea not null,     -- secret links to it are signed with
  changed_at bigint not null
);

-- What is wanted of a place in a department's system, and what is known of it (booking.Delegation).
create table delegation (
  hold text not null primary key,
  booking text not null,
  system text not null,
  hall_id text not null,
  slot_id text not null,
  state text not null,
  number text not null,
  until bigint not null,
  due_at bigint not null,
  attempts bigint not null default 0,
  made_at bigint not null,
  changed_at bigint not null
) /*+sqlite without rowid*/;

create index delegation_booking on delegation (booking);
create index delegation_due on delegation (due_at) where state in ('wanted', 'tried', 'unwanted');
create index delegation_over on delegation (changed_at) where state = 'released';
