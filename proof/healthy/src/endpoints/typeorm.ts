import type { PgConnectionManager } from '@connmgr/pg'
import { withConnectionManager } from '@connmgr/typeorm'
import { DataSource, In } from 'typeorm'
import { type Endpoint, type Endpoints, several, spread } from '../endpoint.js'
import { ROWS } from '../tables.js'
import { Customer, ENTITIES, Order, OrderLine, Product } from './typeorm-entities.js'

const PAGE = 20

export async function typeormEndpoints(manager: PgConnectionManager): Promise<Endpoints> {
  const source = await new DataSource(
    withConnectionManager({ type: 'postgres', entities: ENTITIES }, manager),
  ).initialize()
  return { list: endpointsOn(source), close: () => source.destroy() }
}

function endpointsOn(source: DataSource): Endpoint[] {
  const products = source.getRepository(Product)
  const orders = source.getRepository(Order)
  return [
    {
      path: '/products',
      weight: 6,
      handle: ({ n }) =>
        products.findAndCount({
          where: { category_id: spread(n, ROWS.categories) },
          relations: { category: true },
          order: { id: 'asc' },
          skip: (n % 3) * PAGE,
          take: PAGE,
        }),
    },
    {
      path: '/product',
      weight: 8,
      handle: ({ n }) =>
        products.findOne({
          where: { id: spread(n, ROWS.products) },
          relations: { category: true },
        }),
    },
    {
      // Two statements: the identifiers of a page, then all that belongs to them.
      path: '/orders/open',
      weight: 3,
      handle: () =>
        orders
          .createQueryBuilder('o')
          .leftJoinAndSelect('o.lines', 'line')
          .leftJoinAndSelect('line.product', 'product')
          .where('o.status = :status', { status: 'open' })
          .orderBy('o.id', 'DESC')
          .take(PAGE)
          .getMany(),
    },
    {
      path: '/orders/of-customer',
      weight: 5,
      handle: ({ customer }) =>
        orders.find({
          where: { customer_id: customer },
          relations: { lines: { product: true } },
          relationLoadStrategy: 'query',
          order: { id: 'DESC' },
          take: PAGE,
        }),
    },
    { path: '/orders/place', weight: 4, handle: ({ customer, n }) => place(source, customer, n) },
    {
      path: '/customer/rename',
      weight: 2,
      handle: ({ customer, n }) =>
        source.getRepository(Customer).update(customer, { name: `customer ${n}` }),
    },
    {
      path: '/orders/cancel',
      weight: 1,
      handle: ({ customer }) =>
        source.transaction(async (entities) => {
          const order = await entities.findOne(Order, {
            where: { customer_id: customer, status: 'new' },
            order: { id: 'DESC' },
          })
          if (order === null) return
          await entities.delete(OrderLine, { order_id: order.id })
          await entities.delete(Order, order.id)
        }),
    },
  ]
}

/** Reads all products at once, locks and updates each, and inserts the lines in one statement. */
function place(source: DataSource, customer: number, n: number): Promise<number> {
  return source.transaction(async (entities) => {
    const wanted = several(n, 7, ROWS.products)
    const found = await entities.findBy(Product, { id: In(wanted) })
    for (const { id } of found.sort((a, b) => a.id - b.id))
      await entities.decrement(Product, { id }, 'stock', 1)
    const order = await entities.save(Order, {
      customer_id: customer,
      status: 'new',
      total: found.reduce((sum, { price }) => sum + price, 0),
    })
    await entities.insert(
      OrderLine,
      found.map(({ id, price }) => ({ order_id: order.id, product_id: id, quantity: 1, price })),
    )
    return order.id
  })
}
