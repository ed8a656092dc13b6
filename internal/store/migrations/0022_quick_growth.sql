-- The tables of a rush grow by thousands of rows a second. PostgreSQL looks after them by itself while they do; on a
-- machine with two processors it then takes one of them for seconds, and people wait (docs/adr/0022-few-large-groups.md).
-- So it takes ten times as long over them as it would, and looks at a quarter of the rows: they are found by whole keys.

/*+postgres
do $$
declare
  t text;
  c text;
begin
  foreach t in array array['booking', 'claim', 'event', 'message', 'session', 'slot'] loop
    execute format('alter table %I set (autovacuum_vacuum_cost_delay = 20)', t);
    for c in select attname from pg_attribute where attrelid = t::regclass and attnum > 0 and not attisdropped loop
      execute format('alter table %I alter column %I set statistics 25', t, c);
    end loop;
  end loop;
end
$$;
*/
