import { EntitySchema } from 'typeorm'

const id = { type: 'int', primary: true, generated: true } as const
const int = { type: 'int' } as const
const text = { type: 'text' } as const

interface CustomerRow {
  readonly id: number
  readonly name: string
}
interface CategoryRow {
  readonly id: number
  readonly name: string
}
interface ProductRow {
  readonly id: number
  readonly category_id: number
  readonly category: CategoryRow
  readonly code: string
  readonly name: string
  readonly price: number
  readonly stock: number
}
interface OrderRow {
  readonly id: number
  readonly customer_id: number
  readonly status: string
  readonly total: number
  readonly lines: OrderLineRow[]
}
interface OrderLineRow {
  readonly id: number
  readonly order_id: number
  readonly order: OrderRow
  readonly product_id: number
  readonly product: ProductRow
  readonly quantity: number
  readonly price: number
}

export const Customer = new EntitySchema<CustomerRow>({
  name: 'Customer',
  tableName: 'customers',
  columns: { id, name: text },
})
const Category = new EntitySchema<CategoryRow>({
  name: 'Category',
  tableName: 'categories',
  columns: { id, name: text },
})
export const Product = new EntitySchema<ProductRow>({
  name: 'Product',
  tableName: 'products',
  columns: { id, category_id: int, code: text, name: text, price: int, stock: int },
  relations: {
    category: { type: 'many-to-one', target: 'Category', joinColumn: { name: 'category_id' } },
  },
})
export const Order = new EntitySchema<OrderRow>({
  name: 'Order',
  tableName: 'orders',
  columns: { id, customer_id: int, status: text, total: int },
  relations: { lines: { type: 'one-to-many', target: 'OrderLine', inverseSide: 'order' } },
})
export const OrderLine = new EntitySchema<OrderLineRow>({
  name: 'OrderLine',
  tableName: 'order_lines',
  columns: { id, order_id: int, product_id: int, quantity: int, price: int },
  relations: {
    order: {
      type: 'many-to-one',
      target: 'Order',
      joinColumn: { name: 'order_id' },
      inverseSide: 'lines',
    },
    product: { type: 'many-to-one', target: 'Product', joinColumn: { name: 'product_id' } },
  },
})

export const ENTITIES = [Customer, Category, Product, Order, OrderLine]
