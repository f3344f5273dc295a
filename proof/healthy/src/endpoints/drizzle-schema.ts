import { relations } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  date,
  integer,
  pgTable,
  primaryKey,
  serial,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'

const customers = pgTable('customers', {
  id: serial('id').primaryKey(),
  name: text('name').notNull(),
})
export const products = pgTable('products', {
  id: serial('id').primaryKey(),
  categoryId: integer('category_id').notNull(),
  code: text('code').notNull(),
  name: text('name').notNull(),
  price: integer('price').notNull(),
  stock: integer('stock').notNull(),
})
export const orders = pgTable('orders', {
  id: serial('id').primaryKey(),
  customerId: integer('customer_id').notNull(),
  placedAt: timestamp('placed_at', { withTimezone: true }).notNull(),
  status: text('status').notNull(),
  total: integer('total').notNull(),
})
export const lines = pgTable('order_lines', {
  id: serial('id').primaryKey(),
  orderId: integer('order_id').notNull(),
  productId: integer('product_id').notNull(),
  quantity: integer('quantity').notNull(),
  price: integer('price').notNull(),
})
export const events = pgTable('events', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  customerId: integer('customer_id').notNull(),
  kind: text('kind').notNull(),
})
export const dailySales = pgTable(
  'daily_sales',
  {
    day: date('day').notNull(),
    categoryId: integer('category_id').notNull(),
    amount: bigint('amount', { mode: 'number' }).notNull(),
  },
  ({ categoryId, day }) => [primaryKey({ columns: [day, categoryId] })],
)

export const schema = {
  customers,
  products,
  orders,
  lines,
  ofOrders: relations(orders, ({ many, one }) => ({
    customer: one(customers, { fields: [orders.customerId], references: [customers.id] }),
    lines: many(lines),
  })),
  ofLines: relations(lines, ({ one }) => ({
    order: one(orders, { fields: [lines.orderId], references: [orders.id] }),
    product: one(products, { fields: [lines.productId], references: [products.id] }),
  })),
}
