-- Keys with which connected systems sign their requests (docs/adr/0045-signed-requests.md).
create table client_key (
  id text not null primary key,
  source text not null,
  profile text not null,
  place bigint not null,            -- 1 or 2: at most two of a profile at a time
  name text not null,
  scopes text not null,             -- JSON
  halls text not null,              -- JSON: of those the source books for; none = all of these
  per_minute bigint not null,       -- requests in a minute
  public_key text not null,         -- hex; '' of a profile with a secret
  secret bytea not null,            -- sealed; empty of a profile with a public half
  certificate text not null,        -- SHA-256 of the client certificate, hex; '' = any
  from_at bigint not null,
  until_at bigint not null,
  made_by text not null,            -- account
  made_at bigint not null,
  ended_at bigint not null,         -- 0 = not taken away
  used_at bigint not null           -- when a request was accepted last, to the minute; 0 = never
);

create unique index client_key_place on client_key (source, profile, place) where ended_at = 0;
create index client_key_of on client_key (source, made_at);

-- Nonces that were used. One is forgotten when what it signed would be refused as too old.
create table client_nonce (
  client_key text not null,
  nonce text not null,
  until_at bigint not null,
  primary key (client_key, nonce)
) /*+sqlite without rowid*/;

create index client_nonce_old on client_nonce (until_at);

-- Requests of a key by minute, counted against what it may.
create table client_use (
  client_key text not null,
  minute bigint not null,           -- minutes since 1970
  n bigint not null,
  primary key (client_key, minute)
) /*+sqlite without rowid*/;

create index client_use_old on client_use (minute);
