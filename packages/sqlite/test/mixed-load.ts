import type { OtherProcess } from './other-process.js'
import type { Shop } from './shops.js'

const CALLERS = 50

/** What has become of a load. */
export interface Outcome {
  /** Errors that callers got, beside those that they asked for. */
  readonly failures: Error[]
  /** Users whose writing was acknowledged. */
  readonly acknowledged: string[]
  /** Users that were found at the end. */
  readonly users: string[]
  /** Posts whose titles are not the number of posts before them: another transaction came between. */
  readonly mixed: string[]
  readonly posts: number
}

/** 50 callers of mixed transactions through one ORM, while another process holds the lock twice. */
export async function mixedLoad(shop: Shop, other: OtherProcess): Promise<Outcome> {
  await other.lock()
  const acknowledged: string[] = []
  const failures: Error[] = []
  const caller = async (number: number): Promise<void> => {
    const email = `${number}@example.org`
    try {
      if (number % 5 === 0) await shop.insert(email)
      else if (number % 5 === 1) await shop.nested(email)
      else if (number % 5 === 2) await shop.users()
      else await shop.post(email, number % 5 === 3)
      if (number % 5 !== 2) acknowledged.push(email)
    } catch (error) {
      if ((error as Error).message !== 'undo') failures.push(error as Error)
    }
  }
  const callers = Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)))
  // With the lock held elsewhere, the event loop goes on.
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2))
  await other.release()
  await other.lock()
  await other.release()
  await callers
  const titles = await shop.titles()
  return {
    failures,
    acknowledged: acknowledged.sort(),
    users: (await shop.users()).sort(),
    mixed: titles.filter((title, index) => title !== String(index)),
    posts: titles.length,
  }
}
