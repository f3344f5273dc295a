import { patient } from '@connmgr/testing'
import type { Database, Library, LibraryManager } from './library-harness.js'

const CALLERS = 50
const UNDONE = 'undone'

function once(end: () => Promise<unknown>): () => Promise<unknown> {
  let ended: Promise<unknown> | undefined
  return () => {
    ended ??= end()
    return ended
  }
}

/** The tests that a library passes on the pool of a manager, whichever database is below it. */
export function describeLibrary<Manager extends LibraryManager>(
  describeIt: (name: string, tests: () => void) => void,
  name: string,
  database: Database<Manager>,
  openOn: (manager: Manager) => Promise<Library>,
  { streams = true }: { readonly streams?: boolean } = {},
): void {
  describeIt(name, () => {
    let manager: Manager
    let library: Library
    let ending: () => Promise<unknown>
    const open = async (options: Parameters<Database<Manager>['open']>[0] = {}) => {
      manager = database.open(options)
      library = await openOn(manager)
      ending = once(() => library.end())
    }
    const checkedOut = () => manager.getPoolMetrics().checkedOut

    beforeAll(() => database.start())
    afterEach(async () => {
      await ending()
      await manager.close({ drainTimeoutMs: 0 })
      await database.reset()
    })
    afterAll(() => database.stop())

    test('statements and transactions run on managed connections, which go back', async () => {
      await open()
      await library.insert('Ada')
      const undone = library.transaction(async (tx) => {
        await tx.insert('undone')
        throw new Error(UNDONE)
      })
      await expect(undone).rejects.toThrow(UNDONE)
      const seen = await library.transaction(async (tx) => {
        await tx.insert('Grace')
        return [await tx.names(), await library.names()]
      })
      expect(seen).toEqual([['Ada', 'Grace'], ['Ada']])
      expect(await library.names()).toEqual(['Ada', 'Grace'])
      const { totalCheckouts } = manager.getPoolMetrics()
      expect(checkedOut()).toBe(0)
      expect(totalCheckouts).toBeGreaterThan(3)
    })

    test('of 50 concurrent callers of mixed transactions none loses anything or sees what others undo', async () => {
      await open()
      const acknowledged: string[] = []
      const failures: unknown[] = []
      const call = async (number: number): Promise<void> => {
        const caller = `caller ${number}`
        const kind = number % 5
        if (kind === 0) await library.insert(caller)
        else if (kind === 1) await library.names()
        else
          await library.transaction(async (tx) => {
            await tx.increment()
            await tx.insert(caller)
            if (kind === 2) throw new Error(UNDONE)
            expect(await tx.names()).toContain(caller)
          })
        if (kind !== 1) acknowledged.push(caller)
      }
      await Promise.all(
        Array.from({ length: CALLERS }, (_, number) =>
          call(number).catch((error: unknown) => {
            if ((error as Error).message !== UNDONE) failures.push(error)
          }),
        ),
      )
      expect(failures).toEqual([])
      expect(await library.names()).toEqual(acknowledged.sort())
      expect(acknowledged).toHaveLength((CALLERS / 5) * 3)
      expect(manager.getPoolMetrics()).toMatchObject({ checkedOut: 0, waiting: 0 })
    })

    if (streams)
      test('rows are read one by one, and who stops early leaves no connection behind', async () => {
        await open({ single: true })
        const names = Array.from({ length: 300 }, (_, number) => `row ${1000 + number}`)
        await library.transaction(async (tx) => {
          for (const each of names) await tx.insert(each)
        })
        const seen: string[] = []
        for await (const each of (library as Required<Library>).stream()) seen.push(each)
        expect(seen).toEqual(names)
        for await (const each of (library as Required<Library>).stream()) {
          expect(each).toBe(names[0])
          break
        }
        expect(await library.names()).toHaveLength(300)
        expect(checkedOut()).toBe(0)
      })

    test('a leak is named by function, file and line', async () => {
      await open({ leakThresholdMs: 50 })
      let letGo = (): void => {}
      const stuck = new Promise<void>((resolve) => {
        letGo = resolve
      })
      async function forgetful() {
        await library.transaction(async (tx) => {
          await tx.insert('leaked')
          await stuck
        })
      }
      const detected = new Promise((resolve) => manager.on('leakDetected', resolve))
      const working = forgetful()
      await detected
      expect(manager.detectLeaks()[0]?.stack).toMatch(/forgetful \(.*describe-library\.ts:\d+/)
      letGo()
      await working
      expect(checkedOut()).toBe(0)
    })

    test('an exhausted pool is refused after its deadline, and the refused caller holds nothing', async () => {
      await open({ single: true, acquireTimeoutMs: patient(200) })
      let letGo = (): void => {}
      let holding: Promise<void> = Promise.resolve()
      await new Promise<void>((begun, failed) => {
        holding = library.transaction(async () => {
          begun()
          await new Promise<void>((resolve) => {
            letGo = resolve
          })
        })
        holding.catch(failed)
      })
      const late = await Promise.resolve(library.insert('late')).then(
        () => undefined,
        (error: unknown) => error,
      )
      const { code, cause } = late as { code?: unknown; cause?: { code?: unknown } }
      expect([code, cause?.code]).toContain('CONNMGR_ACQUIRE_TIMEOUT')
      letGo()
      await holding
      await library.insert('in time')
      expect(await library.names()).toEqual(['in time'])
    })

    const { conflict } = database
    if (conflict !== undefined)
      test('a transaction that meets a conflict is run again by manager.replay, and written once', async () => {
        await open()
        // A library that asks for the version of the server first does so now.
        await library.names()
        await database.untilReplayable?.(manager)
        const result = await manager.replay((attempt) =>
          library.transaction(async (tx) => {
            await tx.insert(`attempt ${attempt}`)
            if (attempt < 3) await conflict(tx)
            return attempt
          }),
        )
        expect(result).toBe(3)
        expect(await library.names()).toEqual(['attempt 3'])
      })

    test('the end of the library leaves the manager to others', async () => {
      await open()
      await library.insert('Ada')
      await ending()
      expect(manager.closed).toBe(false)
      await manager.use(async () => {})
    })
  })
}
