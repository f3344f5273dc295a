import { relations } from 'drizzle-orm'
import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { EntitySchema } from 'typeorm'

/** Customers, of whom each query asks for one with everything that belongs to them. */
export const CUSTOMERS = 200

export const TABLES = `
  create table "Customer" (id int primary key, name text not null, email text not null, city text not null);
  create table "Order" (id int primary key, "customerId" int not null references "Customer", "placedAt" timestamptz not null, status text not null);
  create table "Category" (id int primary key, name text not null);
  create table "Product" (id int primary key, "categoryId" int not null references "Category", name text not null, code text not null);
  create table "OrderLine" (id int primary key, "orderId" int not null references "Order", "productId" int not null references "Product", quantity int not null, price int not null);
  create index on "Order" ("customerId"); create index on "OrderLine" ("orderId");
  insert into "Customer" select n, 'customer ' || n, n || '@example.org', 'town ' || n % 10 from generate_series(0, ${CUSTOMERS - 1}) n;
  insert into "Category" select n, 'category ' || n from generate_series(0, 9) n;
  insert into "Product" select n, n % 10, 'product ' || n, 'P-' || n from generate_series(0, 49) n;
  insert into "Order" select n, n % ${CUSTOMERS}, '2026-01-01', 'paid' from generate_series(0, ${2 * CUSTOMERS - 1}) n;
  insert into "OrderLine" select n, n % ${2 * CUSTOMERS}, n % 50, 1, 100 from generate_series(0, ${4 * CUSTOMERS - 1}) n;
  analyze`

interface Row {
  readonly id: number
}
const int = { type: 'int' } as const
const string = { type: 'text' } as const
const id = { type: 'int', primary: true } as const

export const Customer = new EntitySchema<Row>({
  name: 'Customer',
  tableName: 'Customer',
  columns: { id, name: string, email: string, city: string } as never,
  relations: { orders: { type: 'one-to-many', target: 'Order', inverseSide: 'customer' } } as never,
})

const belongsTo = (target: string, column: string, inverseSide: string) =>
  ({ type: 'many-to-one', target, joinColumn: { name: column }, inverseSide }) as const

export const ENTITIES = [
  Customer,
  new EntitySchema<Row>({
    name: 'Order',
    tableName: 'Order',
    columns: { id, customerId: int, placedAt: { type: 'timestamptz' }, status: string } as never,
    relations: {
      customer: belongsTo('Customer', 'customerId', 'orders'),
      lines: { type: 'one-to-many', target: 'OrderLine', inverseSide: 'order' },
    } as never,
  }),
  new EntitySchema<Row>({
    name: 'OrderLine',
    tableName: 'OrderLine',
    columns: { id, orderId: int, productId: int, quantity: int, price: int } as never,
    relations: {
      order: belongsTo('Order', 'orderId', 'lines'),
      product: { type: 'many-to-one', target: 'Product', joinColumn: { name: 'productId' } },
    } as never,
  }),
  new EntitySchema<Row>({
    name: 'Product',
    tableName: 'Product',
    columns: { id, categoryId: int, name: string, code: string } as never,
    relations: {
      category: { type: 'many-to-one', target: 'Category', joinColumn: { name: 'categoryId' } },
    } as never,
  }),
  new EntitySchema<Row>({
    name: 'Category',
    tableName: 'Category',
    columns: { id, name: string } as never,
  }),
]

const key = integer('id').primaryKey()
const customers = pgTable('Customer', {
  id: key,
  name: text('name').notNull(),
  email: text('email').notNull(),
  city: text('city').notNull(),
})
const orders = pgTable('Order', {
  id: key,
  customerId: integer('customerId').notNull(),
  placedAt: timestamp('placedAt', { withTimezone: true }).notNull(),
  status: text('status').notNull(),
})
const lines = pgTable('OrderLine', {
  id: key,
  orderId: integer('orderId').notNull(),
  productId: integer('productId').notNull(),
  quantity: integer('quantity').notNull(),
  price: integer('price').notNull(),
})
const products = pgTable('Product', {
  id: key,
  categoryId: integer('categoryId').notNull(),
  name: text('name').notNull(),
  code: text('code').notNull(),
})
const categories = pgTable('Category', { id: key, name: text('name').notNull() })

/** The same tables for Drizzle. */
export const schema = {
  customers,
  orders,
  lines,
  products,
  categories,
  ofCustomers: relations(customers, ({ many }) => ({ orders: many(orders) })),
  ofOrders: relations(orders, ({ one, many }) => ({
    customer: one(customers, { fields: [orders.customerId], references: [customers.id] }),
    lines: many(lines),
  })),
  ofLines: relations(lines, ({ one }) => ({
    order: one(orders, { fields: [lines.orderId], references: [orders.id] }),
    product: one(products, { fields: [lines.productId], references: [products.id] }),
  })),
  ofProducts: relations(products, ({ one }) => ({
    category: one(categories, { fields: [products.categoryId], references: [categories.id] }),
  })),
}
