-- Records of access that were dropped after the time the rules have them kept (docs/adr/0048-logs-of-access.md).
create table log_dropped (
  date text not null,             -- when it was done
  noun text not null,             -- sign_in, file
  n bigint not null,              -- rows
  before_at bigint not null,      -- all older ones
  primary key (date, noun)
);

-- The oldest sign-ins.
create index admin_session_old on admin_session (expires_at);
