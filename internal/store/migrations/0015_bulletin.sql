-- Systems of agencies and districts that send what is booked with them (Art. 5, 6, 21).
create table source (
  id text not null primary key,
  unit_id text not null,
  unit_kind text not null,
  district_id text not null,
  street_id text not null,
  name text not null,
  kinds text not null,            -- JSON: the kinds of records it sends
  halls text not null,            -- JSON: the halls it books for; none = every hall of its unit and below
  delay bigint not null,          -- microseconds after what it tells in which a record is to come
  silence bigint not null,        -- microseconds without a record, in the hours it sends, that are too long
  since text not null,            -- date it is connected from
  ended text not null,            -- date it is not any more, '' = it is
  version bigint not null
);

create index source_by_unit on source (unit_id);

-- What a source sent about a hall's day, by kind of record. Counts of later feeds are added.
create table source_day (
  hall_id text not null,
  date text not null,
  source text not null,
  kind text not null,
  expected bigint not null,
  received bigint not null,
  in_time bigint not null,
  checked bigint not null,
  agreed bigint not null,
  last_at bigint not null,        -- when the last of them came; 0 for none
  primary key (hall_id, date, source, kind)
);

create index source_day_of on source_day (source, date);

-- Bulletins (Art. 21). What is issued is never changed: a correction is another version.
create table bulletin (
  id text not null primary key,
  unit_id text not null,
  unit_kind text not null,
  district_id text not null,
  street_id text not null,
  period text not null,           -- 2026-10, 2026-Q3
  version bigint not null,        -- of what is issued, from 1
  state text not null,            -- draft, reviewed, issued
  remarks text not null,
  content text not null,          -- JSON: frozen counts and the versions of the formulas
  digest text not null,           -- SHA-256 of what was issued, '' before
  author text not null,           -- account that wrote on it last, '' for the system
  reviewer text not null,
  issuer text not null,
  drafted_at bigint not null,
  reviewed_at bigint not null,
  issued_at bigint not null,
  revision bigint not null
);

create unique index bulletin_once on bulletin (unit_id, period, version);
create index bulletin_by_state on bulletin (state, issued_at);

-- Notice letters (Art. 22).
create table letter (
  id text not null primary key,
  year bigint not null,
  number bigint not null,
  unit_id text not null,          -- it is sent to
  unit_kind text not null,
  district_id text not null,
  street_id text not null,
  from_unit text not null,
  about_noun text not null,       -- anomaly, ledger, or '' for by hand
  about_id text not null,
  subject text not null,
  body text not null,
  asks text not null,             -- what is to be done
  state text not null,            -- issued, received, replied, returned, closed
  issued_by text not null,
  issued_at bigint not null,
  due_at bigint not null,         -- of the step that waits; 0 when closed
  next_at bigint not null,        -- when it is told again that it is overdue; 0 for never
  level bigint not null,          -- how often it was told that this step is overdue
  late bigint not null,           -- how many of its steps were overdue
  returns bigint not null,        -- how often a reply was not accepted
  closed_at bigint not null,
  version bigint not null
);

create unique index letter_number on letter (from_unit, year, number);
create index letter_by_unit on letter (unit_id, year);
create index letter_next on letter (next_at) where next_at > 0;
create unique index letter_about on letter (unit_id, about_noun, about_id) where about_id <> '';

create table letter_event (
  letter text not null,
  n bigint not null,
  at bigint not null,
  kind text not null,
  account text not null,          -- '' for the system
  body text not null,
  primary key (letter, n)
);

-- Units with repeated failures that the city has made public (Art. 22).
create table announcement (
  id text not null primary key,
  unit_id text not null,
  year bigint not null,
  counts text not null,           -- JSON: the failures as they were counted
  body text not null,
  made_by text not null,
  made_at bigint not null,
  ended_by text not null,
  ended_at bigint not null,       -- 0 while it stands
  why text not null
);

create unique index announcement_once on announcement (unit_id, year) where ended_at = 0;
