/** The one statement of the load. The table takes the same id twice, so that a repeated write shows. */
export const INSERT = 'insert into ledger (id) values ($1)'

/** Every write takes a tenth of a second, so that several are always in flight when a fault comes. */
export const LEDGER_TABLE = `
  create table ledger (row bigserial primary key, id text not null);
  create function take_time() returns trigger language plpgsql as $$
    begin perform pg_sleep(0.1); return new; end $$;
  create trigger take_time before insert on ledger for each row execute function take_time();`
