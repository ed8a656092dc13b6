-- Chapter 4 at the hall: arrival, numbers, calling, what it came to (Art. 12, 14, 17, 18).

-- One hall on one day. Whoever changes anything of it changes this row first, so that a hall's day is a
-- line of changes one after the other. Before claims, bookings and slots in the order of locks.
create table floor (
  hall_id text not null,
  date text not null,
  revision bigint not null,
  changed_at bigint not null,
  lines text not null,            -- JSON: counter.Line by queue
  sealed bigint not null default 0,
  primary key (hall_id, date)
) /*+sqlite without rowid*/;

create index floor_changed on floor (changed_at);
create index floor_open on floor (date) where sealed = 0;

-- What a hall sets for its days itself.
create table floor_setting (
  hall_id text not null primary key,
  detail text not null,           -- JSON: fields of counter.Rules that differ from the rulebook
  version bigint not null
);

create table ticket (
  hall_id text not null,
  id text not null,
  date text not null,
  queue_id text not null,
  number text not null,
  kind text not null,             -- booked, walk_in, green
  share text not null,            -- "", on_site, unsold
  slot_id text not null,
  hour bigint not null,
  booking text not null,
  instead text not null,
  item text not null,
  stage text not null,
  units bigint not null,
  person text not null,
  sealed bytea not null,          -- booking.Parties
  verified text not null,
  channel text not null,
  state text not null,
  counter text not null,
  result text not null,
  issued_at bigint not null,
  place_at bigint not null,
  place_after bigint not null,
  first_at bigint not null,       -- first call, 0 for none yet
  called_at bigint not null,
  ended_at bigint not null,
  calls bigint not null,
  passes bigint not null,
  told_early bigint not null,     -- seconds: the wait as it was told when the number was given
  told_late bigint not null,
  told_guess bigint not null,     -- what the range was drawn around, 0 where none was told
  near_at bigint not null,        -- its holder was told that the turn is near, or it was near from the beginning; 0 for neither
  version bigint not null,
  primary key (hall_id, id)
) /*+sqlite without rowid*/;

create unique index ticket_number on ticket (hall_id, date, number);
create unique index ticket_booking on ticket (hall_id, booking) where booking <> '';
create index ticket_open on ticket (hall_id, date) where state not in ('done', 'left');
create index ticket_by_id on ticket (id);
create index ticket_called on ticket (hall_id, date, called_at) where called_at > 0;
create index ticket_by_person on ticket (person, date);

-- What past days teach about the waits at a hall.
create table wait_past (
  hall_id text not null primary key,
  learned text not null,          -- local date: of the days before it
  detail text not null            -- JSON
) /*+sqlite without rowid*/;

create table ticket_event (
  hall_id text not null,
  ticket text not null,
  version bigint not null,
  at bigint not null,
  kind text not null,             -- counter.ActKind
  counter text not null,
  by_kind text not null,          -- account, device, person, system
  by_id text not null,            -- account or device id
  detail text not null,
  primary key (hall_id, ticket, version)
) /*+sqlite without rowid*/;

-- Who sits at a counter today.
create table seat (
  hall_id text not null,
  counter text not null,
  date text not null,
  account text not null,
  queues text not null,           -- JSON array
  state text not null,
  opened_at bigint not null,
  since bigint not null,
  seen_at bigint not null,
  standby text not null,          -- JSON array of tickets
  primary key (hall_id, counter, date)
) /*+sqlite without rowid*/;

-- Acts of a hall under an idempotency key: numbers given, and what counters did, cut off or not. Told twice,
-- an act is done once.
create table floor_act (
  hall_id text not null,
  key text not null,              -- made by the page or device
  hash text not null,             -- of what was asked, to tell a repetition from another act
  at bigint not null,
  ticket text not null,           -- it came to, "" for none
  outcome text not null,          -- "", or the fault code of what could not be done any more
  primary key (hall_id, key)
) /*+sqlite without rowid*/;

create index floor_act_at on floor_act (at);

-- An arrival that was refused: the document was not that of the booking (Art. 12), or another reason.
create table arrival_refused (
  hall_id text not null,
  at bigint not null,
  booking text not null,
  reason text not null,
  by_kind text not null,
  by_id text not null,
  primary key (hall_id, at, booking, reason)
) /*+sqlite without rowid*/;

-- Kiosks and displays. The secret a machine holds is changed every day: next_hash is the one it was given
-- and has not used yet, last_hash the one before. Who comes with the one before holds a copy.
create table device (
  id text not null primary key,
  hall_id text not null,
  kind text not null,             -- kiosk, display
  name text not null,
  key_hash text not null,         -- "" while no machine is enrolled
  next_hash text not null,
  last_hash text not null,
  keyed_at bigint not null,       -- since when key_hash is in use
  offered_at bigint not null,     -- when next_hash was given
  code_hash text not null,        -- one-time code to enrol it, "" for none
  code_until bigint not null,
  detail text not null,           -- JSON: its settings
  version bigint not null,
  created_by text not null,
  created_at bigint not null,
  enrolled_at bigint not null,
  seen_at bigint not null,
  ended_at bigint not null,
  changed_at bigint not null      -- all but what each request changes
);

create unique index device_key on device (key_hash) where key_hash <> '';
create unique index device_next on device (next_hash) where next_hash <> '';
create unique index device_last on device (last_hash) where last_hash <> '';
create unique index device_code on device (code_hash) where code_hash <> '';
create index device_by_hall on device (hall_id);
create index device_changed on device (changed_at);

-- Each time a ticket was put on paper, or was to be.
create table ticket_print (
  hall_id text not null,
  ticket text not null,
  n bigint not null,              -- from 1
  at bigint not null,
  by_kind text not null,          -- account, device
  by_id text not null,
  why text not null,              -- issued, document, staff
  outcome text not null,          -- "" while nothing was heard, printed, no_paper, failed
  primary key (hall_id, ticket, n)
) /*+sqlite without rowid*/;

-- One row: every booking whose hour ended by then has been looked at for a no-show (Art. 17).
create table no_show_mark (
  id bigint not null primary key,
  until bigint not null
);

-- Art. 17, 18: a missed hour that its person says they were prevented from.
create table no_show_appeal (
  booking text not null primary key,
  hall_id text not null,
  at bigint not null,
  sealed bytea not null,          -- the reason given
  state text not null,            -- waiting, upheld, refused
  decided_by text not null default '',
  decided_at bigint not null default 0,
  why text not null default ''
);

create index no_show_appeal_waiting on no_show_appeal (hall_id, state);

-- 好差評: one a ticket. Who gave which grade is not in it; the ticket leads there for who may follow it.
create table evaluation (
  hall_id text not null,
  id text not null,               -- of its case: leads to no ticket
  ticket text not null,
  queue_id text not null,
  item text not null,
  counter text not null,
  at bigint not null,
  date text not null,
  grade bigint not null,          -- 5 very satisfied … 1 very dissatisfied
  reasons text not null,          -- JSON array of codes
  sealed bytea not null,          -- what the person wrote; empty for nothing
  channel text not null,          -- counter, phone, sms
  state text not null,            -- none, open, answered, closed: the case of a bad grade
  due text not null,              -- local date by which it must be answered, "" for none
  answer text not null default '',
  answered_by text not null default '',
  answered_at bigint not null default 0,
  called_back text not null default '', -- what came of calling the person back
  called_by text not null default '',
  called_at bigint not null default 0,
  version bigint not null,
  primary key (hall_id, ticket)
) /*+sqlite without rowid*/;

create unique index evaluation_id on evaluation (id);
create index evaluation_case on evaluation (state, due) where state in ('open', 'answered');
create index evaluation_by_hall on evaluation (hall_id, date);

-- The day of a hall as it ended: figures, and a digest over every ticket.
create table day_record (
  hall_id text not null,
  date text not null,
  detail text not null,           -- JSON
  digest text not null,
  sealed_at bigint not null,
  primary key (hall_id, date)
);
