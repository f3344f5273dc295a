import { manage } from '../test/harness.js'

describe('one manager per name in a process', () => {
  test('a module that is loaded again finds the manager that it made before', async () => {
    const names: string[] = []
    const load = (): { close(): Promise<void>; closed: boolean } => {
      let manager: { close(): Promise<void>; closed: boolean } | undefined
      jest.isolateModules(() => {
        const { once } = require('./once.js') as typeof import('./once.js')
        manager = once('main', () => {
          names.push('made')
          return manage().manager
        })
      })
      return manager as { close(): Promise<void>; closed: boolean }
    }
    const [first, second] = [load(), load()]
    expect(second).toBe(first)
    expect(names).toEqual(['made'])
    await first.close()
    const third = load()
    expect(third).not.toBe(first)
    expect(third.closed).toBe(false)
    await third.close()
  })

  test('keeps what has a manager until that is closed, and what can be opened again for ever', async () => {
    const { once } = await import('./once.js')
    const make = () => ({ $connections: manage().manager })
    const db = once('db', make)
    expect(once('db', make)).toBe(db)
    await db.$connections.close()
    const next = once('db', make)
    expect(next).not.toBe(db)
    await next.$connections.close()
    const dataSource = once('ds', () => ({ isInitialized: false }))
    expect(once('ds', () => ({ isInitialized: true }))).toBe(dataSource)
  })

  test('names are apart, and what could not be made is tried again', async () => {
    const { once } = await import('./once.js')
    expect(() =>
      once('broken', () => {
        throw new Error('no such option')
      }),
    ).toThrow('no such option')
    const one = once('broken', () => manage().manager)
    const other = once('other', () => manage().manager)
    expect(other).not.toBe(one)
    await Promise.all([one.close(), other.close()])
  })
})
