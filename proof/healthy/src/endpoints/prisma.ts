import type { PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/prisma'
import { PrismaClient } from '../../generated/client.js'
import { type Endpoint, type Endpoints, several, spread } from '../endpoint.js'
import { ROWS } from '../tables.js'

const PAGE = 20
/** Longer than a busy machine takes for a transaction of a few statements. */
const TRANSACTION = { maxWait: 60_000, timeout: 60_000 } as const

export function prismaEndpoints(manager: PgConnectionManager): Endpoints {
  const client = withConnectionManager(PrismaClient, manager)
  return { list: endpointsOn(client), close: () => client.$disconnect() }
}

function endpointsOn(client: PrismaClient): Endpoint[] {
  return [
    {
      path: '/customers',
      weight: 4,
      handle: ({ n }) =>
        client.$transaction([
          client.customers.findMany({
            include: { orders: { orderBy: { id: 'desc' }, take: 3 } },
            orderBy: { id: 'asc' },
            cursor: { id: spread(n, ROWS.customers) },
            take: PAGE,
          }),
          client.customers.count({ where: { city: `town ${n % 100}` } }),
        ]),
    },
    {
      path: '/customer',
      weight: 6,
      handle: ({ customer }) =>
        client.customers.findUnique({
          where: { id: customer },
          include: {
            orders: { include: { lines: { include: { product: true } } } },
            reviews: true,
          },
        }),
    },
    {
      path: '/customer/sign-in',
      weight: 3,
      handle: ({ n }) => {
        const email = `${spread(n, ROWS.customers)}@example.org`
        return client.customers.upsert({
          where: { email },
          update: { updated_at: new Date() },
          create: { email, name: 'new', city: 'town 1' },
        })
      },
    },
    {
      path: '/categories',
      weight: 4,
      handle: () =>
        client.categories.findMany({
          include: { _count: { select: { products: true } } },
          orderBy: { name: 'asc' },
        }),
    },
    {
      path: '/reviews/write',
      weight: 2,
      handle: ({ customer, n }) =>
        client.$transaction(async (tx) => {
          const product_id = spread(n, ROWS.products)
          await tx.reviews.create({
            data: { product_id, customer_id: customer, stars: (n % 5) + 1, body: 'as expected' },
          })
          const { _avg } = await tx.reviews.aggregate({
            where: { product_id },
            _avg: { stars: true },
          })
          return tx.products.update({
            where: { id: product_id },
            data: { stars: Math.round(_avg.stars ?? 0) },
          })
        }, TRANSACTION),
    },
    {
      path: '/reviews',
      weight: 5,
      handle: ({ n }) =>
        client.reviews.findMany({
          where: { product_id: spread(n, ROWS.products) },
          include: { customer: { select: { name: true } } },
          orderBy: { id: 'desc' },
          take: PAGE,
        }),
    },
    {
      path: '/cart/replace',
      weight: 3,
      handle: ({ customer, n }) =>
        client.$transaction([
          client.carts.deleteMany({ where: { customer_id: customer } }),
          client.carts.createMany({
            data: several(n, 4, ROWS.products).map((product_id) => ({
              customer_id: customer,
              product_id,
              quantity: 1,
            })),
          }),
        ]),
    },
  ]
}
