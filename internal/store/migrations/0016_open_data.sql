-- Open data of days that are over: frozen files, as they are served (docs/adr/0031-the-city-picture.md).
create table open_day (
  date text not null primary key,
  made_at bigint not null,
  least bigint not null,          -- how many people a count stands for
  halls bigint not null,
  lines bigint not null,
  bytes bigint not null,          -- of the plain text
  digest text not null,           -- SHA-256 of it, hexadecimal
  body bytea not null             -- CSV, gzip
);

-- What was changed last, for everybody to see.
create index adjustment_by_seq on adjustment (seq);
