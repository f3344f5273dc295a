import { withConnectionManager } from '@connmgr/drizzle'
import type { PgConnectionManager } from '@connmgr/pg'
import { and, desc, eq, gt, gte, inArray, like, sql, sum } from 'drizzle-orm'
import { type Endpoint, type Endpoints, several, spread } from '../endpoint.js'
import { ROWS } from '../tables.js'
import { dailySales, events, lines, orders, products, schema } from './drizzle-schema.js'

const PAGE = 20
const BATCH = 50
/** Rows that an export reads at once. */
const LARGE_PAGE = 200
const EXPORTED_PAGES = 6
const DAY_MS = 86_400_000

export function drizzleEndpoints(manager: PgConnectionManager): Endpoints {
  const db = withConnectionManager({ schema }, manager)
  return { list: endpointsOn(db), close: async () => {} }
}

type Database = ReturnType<typeof withConnectionManager<typeof schema>>

function endpointsOn(db: Database): Endpoint[] {
  return [
    {
      path: '/search',
      weight: 6,
      handle: ({ n }) =>
        db
          .select({ id: products.id, name: products.name })
          .from(products)
          .where(like(products.name, `product ${n % 100}%`))
          .limit(PAGE),
    },
    {
      path: '/order',
      weight: 6,
      handle: ({ n }) =>
        db.query.orders.findFirst({
          where: eq(orders.id, spread(n, ROWS.orders)),
          with: { customer: true, lines: { with: { product: true } } },
        }),
    },
    {
      path: '/events/record',
      weight: 3,
      handle: ({ customer, n }) =>
        db
          .insert(events)
          .values(
            Array.from({ length: (n % BATCH) + 1 }, () => ({ customerId: customer, kind: 'seen' })),
          ),
    },
    { path: '/report/sales', weight: 1, handle: ({ n }) => salesReport(db, n) },
    { path: '/orders/export', weight: 1, handle: () => exportOrders(db) },
    {
      // Independent reads of one page, at once.
      path: '/overview',
      weight: 2,
      handle: ({ customer, n }) =>
        Promise.all([
          db.$count(orders, eq(orders.customerId, customer)),
          db.$count(events, eq(events.customerId, customer)),
          db
            .select()
            .from(orders)
            .where(eq(orders.status, 'open'))
            .orderBy(desc(orders.id))
            .limit(5),
          db
            .select()
            .from(products)
            .where(inArray(products.id, several(n, 12, ROWS.products))),
        ]),
    },
  ]
}

/** Sums up a month, and keeps today's in a table of its own. */
async function salesReport(db: Database, n: number): Promise<unknown> {
  const since = new Date(Date.now() - ((n % 5) + 1) * 7 * DAY_MS)
  const amount = sum(sql`${lines.quantity} * ${lines.price}`).mapWith(Number)
  const rows = await db
    .select({ categoryId: products.categoryId, amount })
    .from(orders)
    .innerJoin(lines, eq(lines.orderId, orders.id))
    .innerJoin(products, eq(products.id, lines.productId))
    .where(gte(orders.placedAt, since))
    .groupBy(products.categoryId)
    .orderBy(products.categoryId)
  const day = new Date().toISOString().slice(0, 10)
  await db
    .insert(dailySales)
    .values(rows.map((each) => ({ ...each, day })))
    .onConflictDoUpdate({
      target: [dailySales.day, dailySales.categoryId],
      set: { amount: sql`excluded.amount` },
    })
  return rows
}

/** Reads all of a large result, page by page: the same statement again and again, and yet no N+1. */
async function exportOrders(db: Database): Promise<number> {
  let last = 0
  let rows = 0
  for (let page = 0; page < EXPORTED_PAGES; page += 1) {
    const found = await db
      .select()
      .from(orders)
      .where(and(eq(orders.status, 'paid'), gt(orders.id, last)))
      .orderBy(orders.id)
      .limit(LARGE_PAGE)
    rows += found.length
    last = found.at(-1)?.id ?? last
  }
  return rows
}
