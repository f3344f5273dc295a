import { manage } from '../../test/harness.js'

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

  test('a promise is shared by all, until what it has come to is closed', async () => {
    const { once } = await import('./once.js')
    let made = 0
    const open = () =>
      once('async', async () => {
        made += 1
        await undefined
        return manage().manager
      })
    const opening = open()
    expect(open()).toBe(opening)
    const first = await opening
    expect(await open()).toBe(first)
    await first.close()
    const second = await open()
    expect(second).not.toBe(first)
    expect(made).toBe(2)
    await second.close()
    const initialize = async () => once('async ds', async () => ({ isInitialized: true }))
    const dataSource = await initialize()
    expect(await initialize()).toBe(dataSource)
    dataSource.isInitialized = false
    expect(await initialize()).not.toBe(dataSource)
  })

  test('a promise that rejects is not kept', async () => {
    const { once } = await import('./once.js')
    const failing = once('late', async () => {
      await undefined
      throw new Error('not there yet')
    })
    await expect(failing).rejects.toThrow('not there yet')
    expect(await once('late', async () => ({ there: true }))).toEqual({ there: true })
  })
})
