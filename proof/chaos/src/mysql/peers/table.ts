/** The one statement of the load. The table takes the same id twice, so that a repeated write shows. */
export const INSERT = 'insert into ledger (id) values (?)'

/** Every write takes a tenth of a second, so that several are always in flight when a fault comes. */
export const LEDGER_TABLE: readonly string[] = [
  'create table ledger (number bigint auto_increment primary key, id varchar(100) not null) engine = innodb',
  'create trigger take_time before insert on ledger for each row set @slept = sleep(0.1)',
]
