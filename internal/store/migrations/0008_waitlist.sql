-- The waitlist (候補, Art. 15).

-- What came free and is not for everybody yet; slot.held is the sum of it.
alter table slot add column held bigint not null default 0 check (held >= 0 and taken + held <= capacity);

create table hold (
  hall_id text not null,
  slot_id text not null,
  id text not null,
  queue_id text not null,
  units bigint not null check (units > 0),
  opens_at bigint not null,       -- when it is for everybody, drawn by lot
  entry text not null,            -- it is offered to, "" for none
  until bigint not null,          -- of the offer
  primary key (hall_id, slot_id, id)
) /*+sqlite without rowid*/;

create index hold_opens on hold (opens_at);

create table wait_entry (
  id text not null primary key,   -- of the booking it becomes
  number bigint not null,         -- of joining, given in the transaction that joined: its place in every line
  booker text not null,
  level bigint not null,
  applicant_kind text not null,
  applicant text not null,
  item text not null,
  stage text not null,
  units bigint not null,
  cases bigint not null,          -- how many its list has, 0 = no list; they stand in batch_case under its id
  lines text not null,            -- JSON: [hall, queue]
  dates text not null,            -- ",20261209,20261210,"
  hours bigint not null,          -- bit h: the hour from h
  channel text not null,
  sealed bytea not null,          -- booking.Parties
  state text not null,            -- waiting, offered, booked, left, expired, online
  hall_id text not null,          -- offered, booked: where
  slot_id text not null,
  passed text not null,           -- JSON: slots offered and not taken
  until bigint not null,          -- offered: until when it can be taken
  last_at bigint not null,        -- the start of the last hour it could use
  version bigint not null,
  joined_at bigint not null,
  changed_at bigint not null
);

create index wait_entry_by_booker on wait_entry (booker, number);
create index wait_entry_offered on wait_entry (until) where state = 'offered';
create index wait_entry_last on wait_entry (last_at) where state = 'waiting';

-- An entry in the line of one queue. Lines that are over are what the chance of others is told from.
create table wait_line (
  hall_id text not null,
  queue_id text not null,
  number bigint not null,
  entry text not null,
  units bigint not null,
  dates text not null,
  hours bigint not null,
  ahead bigint not null,          -- in line before it when it joined
  state text not null,
  joined_at bigint not null,
  ended_at bigint not null,       -- 0 while it stands
  primary key (hall_id, queue_id, number)
) /*+sqlite without rowid*/;

create index wait_line_entry on wait_line (entry);
create index wait_line_open on wait_line (hall_id, queue_id, number) where ended_at = 0;
create index wait_line_past on wait_line (hall_id, queue_id, joined_at);
