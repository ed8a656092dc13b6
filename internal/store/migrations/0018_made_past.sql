-- A past that is made (suiyue simulate; docs/adr/0035-a-made-year.md).

-- Indexes that were taken away while very many rows are written, and how each is made again; empty but then.
create table bare_index (
  name text not null primary key,
  drops text not null,
  makes text not null
);

-- What was put into the made past on purpose, so that it can be counted how much of it is found.
create table planted (
  hall_id text not null,
  kind text not null,             -- crowd, unused, no_show, given_up, slow
  first text not null,            -- date
  last text not null,
  times text not null,            -- the usual
  primary key (hall_id, kind, first)
);
