-- What is being taken away as a file, and what became of it (docs/adr/0036-exports.md). What was taken, and by
-- whom, stands in the audit log for good; these rows are kept for some months.
create table export (
  id text not null primary key,
  account text not null,
  noun text not null,
  hall_id text not null,          -- "" for many halls
  format text not null,           -- csv, xlsx
  state text not null,            -- running, whole, cancelled, stopped, broken
  counted bigint not null,        -- rows there were when it began
  written bigint not null,        -- rows sent so far
  bytes bigint not null,
  digest text not null,           -- SHA-256 of the whole file, hex; "" of one that is not whole
  code text not null,             -- why it ended early
  began_at bigint not null,
  told_at bigint not null,        -- when it was last known to go on
  ended_at bigint not null        -- 0 while it goes on
);
create index export_of on export (account, began_at);
create index export_old on export (began_at);
