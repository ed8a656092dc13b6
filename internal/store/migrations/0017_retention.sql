-- Who somebody was is forgotten after a time (docs/adr/0034-retention.md): a month of days at halls at a time.
create table retention_month (
  month text not null primary key, -- 2024-03: of the days that are forgotten
  sealed bytea not null,          -- the key that people's hashes are made anew with; empty once the month is done
  at_date text not null,          -- how far it has come, "" for not begun
  at_hall text not null,
  counts text not null,           -- JSON: rows by noun
  digest text not null,           -- over what was forgotten where, in order
  begun_at bigint not null,
  done_at bigint not null         -- 0 while it goes on
);
