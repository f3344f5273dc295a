import { digestOf, processRegistry } from './registry.js'

test('a test runner that redefines what was left on the global object cannot take it apart', () => {
  const registry = processRegistry()
  const before = digestOf('secret')
  for (const key of Reflect.ownKeys(registry)) {
    const get = (): never => {
      throw new Error(`${String(key)} was taken away`)
    }
    expect(Reflect.defineProperty(registry, key, { configurable: true, get })).toBe(false)
  }
  expect(processRegistry()).toBe(registry)
  expect(digestOf('secret')).toBe(before)
})
