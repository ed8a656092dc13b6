-- Batches (Art. 19) and sanctions (the limits of the rulebook).

alter table booking add column cases bigint not null default 0; -- how many its list had when it was booked, 0 = no list

-- The cases of a batch: one a person. Led by the booking, which may go to another hall.
create table batch_case (
  booking text not null,
  n bigint not null,              -- as listed, from 1
  person text not null,
  sealed bytea not null,          -- booking.Party
  state text not null,            -- open, removed, done
  changed_at bigint not null,
  primary key (booking, n)
) /*+sqlite without rowid*/;

-- A list that is being filled in, before there is a booking.
create table batch_list (
  owner text not null,
  id text not null,
  sealed bytea not null,          -- JSON array of booking.Party
  changed_at bigint not null,
  primary key (owner, id)
) /*+sqlite without rowid*/;

create index batch_list_at on batch_list (changed_at);
