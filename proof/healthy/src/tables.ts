/** How many rows the tables begin with. */
export const ROWS = {
  customers: 20_000,
  categories: 40,
  products: 2000,
  orders: 30_000,
  sessions: 1000,
} as const

/** A shop with the indexes that its queries need. */
export const TABLES = `
  create table customers (
    id serial primary key, email text not null unique, name text not null, city text not null,
    updated_at timestamptz not null default now());
  create table categories (id serial primary key, parent_id int references categories, name text not null);
  create table products (
    id serial primary key, category_id int not null references categories, code text not null unique, name text not null,
    price int not null, stock int not null, stars int not null default 0);
  create table orders (
    id serial primary key, customer_id int not null references customers, placed_at timestamptz not null default now(),
    status text not null, total int not null);
  create table order_lines (
    id serial primary key, order_id int not null references orders, product_id int not null references products,
    quantity int not null, price int not null);
  create table reviews (
    id serial primary key, product_id int not null references products, customer_id int not null references customers,
    stars int not null, body text not null);
  create table carts (
    customer_id int not null references customers, product_id int not null references products, quantity int not null,
    primary key (customer_id, product_id));
  create table sessions (token text primary key, customer_id int not null references customers, seen_at timestamptz not null);
  create table events (id bigserial primary key, customer_id int not null, kind text not null, at timestamptz not null default now());
  create table jobs (
    id bigserial primary key, kind text not null, payload int not null, state text not null default 'ready',
    run_at timestamptz not null default now());
  create table daily_sales (day date, category_id int, amount bigint not null, primary key (day, category_id));
  create index on customers (city);
  create index on categories (parent_id);
  create index on products (category_id);
  create index on products (name text_pattern_ops);
  create index on orders (customer_id, id);
  create index on orders (status, id);
  create index on orders (placed_at);
  create index on order_lines (order_id);
  create index on order_lines (product_id);
  create index on reviews (product_id, id);
  create index on reviews (customer_id);
  create index on carts (product_id);
  create index on sessions (customer_id);
  create index on events (customer_id, at);
  create index on jobs (state, run_at);
  insert into customers (email, name, city)
    select n || '@example.org', 'customer ' || n, 'town ' || n % 100 from generate_series(1, ${ROWS.customers}) n;
  insert into categories (parent_id, name)
    select case when n > 4 then (n - 1) / 4 end, 'category ' || n from generate_series(1, ${ROWS.categories}) n;
  insert into products (category_id, code, name, price, stock)
    select n % ${ROWS.categories} + 1, 'P-' || n, 'product ' || n, 100 + n % 900, 1000000 from generate_series(1, ${ROWS.products}) n;
  insert into orders (customer_id, placed_at, status, total)
    select n % ${ROWS.customers} + 1, now() - n * interval '3 minutes', case n % 50 when 0 then 'open' else 'paid' end, 300
    from generate_series(1, ${ROWS.orders}) n;
  insert into order_lines (order_id, product_id, quantity, price)
    select n % ${ROWS.orders} + 1, n % ${ROWS.products} + 1, 1, 100 from generate_series(1, ${3 * ROWS.orders}) n;
  insert into reviews (product_id, customer_id, stars, body)
    select n % ${ROWS.products} + 1, n % ${ROWS.customers} + 1, n % 5 + 1, 'good' from generate_series(1, 10000) n;
  insert into sessions select 'token-' || n, n, now() from generate_series(1, ${ROWS.sessions}) n;
  vacuum analyze`
