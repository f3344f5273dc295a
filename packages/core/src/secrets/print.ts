import { inspect } from 'node:util'

/**
 * Has `console.log` and `util.inspect` show what `toJSON` tells of the instances of a class, instead of everything that
 * they hold: connections with their credentials, for example.
 */
export function printAsJson(prototype: { toJSON(): object }): void {
  Object.defineProperty(prototype, inspect.custom, {
    value(this: { toJSON(): object }, _depth: number, options: object) {
      return `${this.constructor.name} ${inspect(this.toJSON(), options)}`
    },
    configurable: true,
    writable: true,
  })
}
