export const LEDGER_TABLE =
  'create table ledger (row bigserial primary key, id text not null, orm text not null)'
