-- Figures of booking (Art. 4, 21; docs/adr/0030-figures-of-a-hall-day.md).

-- What is counted of a hall on a day, and in a month. The parts are read only where a breakdown is shown.
create table hall_figure (
  hall_id text not null,
  span text not null,             -- day, month
  period text not null,           -- 2026-11-03, 2026-11
  total bytea not null,
  parts bytea not null,
  floor bigint not null default 0, -- revision of the floor it was counted from, 0 for none
  counted_at bigint not null,
  primary key (hall_id, span, period)
) /*+sqlite without rowid*/;

-- The sums of the halls at and below a unit.
create table unit_figure (
  unit_id text not null,
  span text not null,
  period text not null,
  total bytea not null,
  parts bytea not null,
  counted_at bigint not null,
  primary key (unit_id, span, period)
) /*+sqlite without rowid*/;

-- Days of halls that are to be counted again. A mark made while its day is counted has another stamp and stays.
create table figure_mark (
  hall_id text not null,
  date text not null,
  stamp bigint not null,
  primary key (hall_id, date)
) /*+sqlite without rowid*/;

create index figure_mark_date on figure_mark (date, hall_id);

-- How far each source of marks has been read.
create table figure_cursor (
  name text not null primary key, -- "lane " and its name, floor, day
  at bigint not null
);

-- What a slot was before its numbers were planned anew: 0 numbers if it was not there before.
create table slot_change (
  hall_id text not null,
  slot_id text not null,
  revision bigint not null,       -- of the slot that was so, −1 if it was not there
  at bigint not null,
  capacity bigint not null,
  on_site bigint not null,
  closed bigint not null,
  primary key (hall_id, slot_id, revision)
) /*+sqlite without rowid*/;

create index event_from on event (from_slot) where from_slot <> '';
