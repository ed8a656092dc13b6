-- One thing (一件事, Art. 20): themes that join items of several departments, and the cases that go by them.

-- Every version of every theme. A version is never changed: cases that go by it may run for months.
create table theme_version (
  code text not null,             -- of the item it is booked as
  version bigint not null,        -- from 1
  at bigint not null,
  digest text not null,           -- of detail, to tell whether a file says something new
  closed bigint not null default 0, -- no longer in the file: no case is opened under it
  detail text not null,           -- JSON theme.Theme
  primary key (code, version)
);

create table theme_case (
  id text not null primary key,   -- unguessable
  hall_id text not null,          -- where it was accepted
  ticket text not null,           -- of the service that accepted it: one opens one case
  theme text not null,
  theme_version bigint not null,
  state text not null,            -- running, complete, partly, refused, withdrawn
  booker text not null,
  applicant text not null,
  sealed bytea not null,          -- booking.Parties
  opened_at bigint not null,
  ended_at bigint not null default 0,
  acts bigint not null,           -- +1 with each act: guards every change
  events bigint not null          -- of its history
);

create unique index theme_case_ticket on theme_case (hall_id, ticket);
create index theme_case_applicant on theme_case (applicant, opened_at);
create index theme_case_booker on theme_case (booker, opened_at);

create table case_step (
  case_id text not null,
  n bigint not null,              -- its place in the theme, from 0
  key text not null,
  department text not null,
  state text not null,            -- waiting, due, accepted, supplement, done, rejected, stopped, withdrawn
  by_account text not null,       -- that took it last, "" for nobody yet
  due text not null,              -- local date, last day of the deadline; "" while none runs
  days_left bigint not null,      -- working days that were left of it when the applicant was asked
  since bigint not null,
  version bigint not null,
  primary key (case_id, n)
) /*+sqlite without rowid*/ /*+postgres with (fillfactor = 80)*/;

create index case_step_due on case_step (department, due, case_id, n, state) where state in ('due', 'accepted');
create index case_step_taken on case_step (by_account, department, due, case_id, n, state) where state in ('due', 'accepted');
create index case_step_asked on case_step (department, since, case_id, n, state) where state = 'supplement';

create table case_event (
  case_id text not null,
  n bigint not null,              -- from 1
  act bigint not null,            -- it belongs to, from 1
  kind text not null,             -- theme.ActKind
  step text not null,
  by_account text not null,       -- "" for the applicant and for what follows by itself
  at bigint not null,
  primary key (case_id, n)
) /*+sqlite without rowid*/;

-- What was written with an act: a supplement asked for or given, a result, a reason.
create table case_text (
  case_id text not null,
  n bigint not null,              -- of the event
  sealed bytea not null,
  primary key (case_id, n)
);
