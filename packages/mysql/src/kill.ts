import { connect } from 'node:net'
import { systemClock } from '@connmgr/core/driver'
import { type ConnectionOptions, createConnection } from 'mysql2'
import { internalsOf } from './internals.js'
import { askOn } from './own-query.js'

/** For everything that it takes to end one statement. */
const PATIENCE_MS = 1000

/** Whose statement to end, and how its server is reached. */
export interface KillTarget {
  /** Of the endpoint. */
  readonly config: ConnectionOptions
  /** The address that the session itself leads to: the name may lead elsewhere by now. */
  readonly address: string | undefined
  readonly port: number | undefined
  readonly threadId: number
  /** Asks the server for what names it, and what it must answer; undefined if the server has no name. */
  readonly identity: { readonly question: string; readonly answer: string } | undefined
}

/**
 * Has the server stop what a session runs that is cut off, over a second login, and end that session: KILL QUERY could hit
 * the next statement instead. Resolves once that is done, or after a second. Never rejects: it needs a free slot, and what
 * runs on a server that has none, or cannot be reached, ends by itself.
 */
export async function killRunning(target: KillTarget): Promise<void> {
  const { address, config, identity, port, threadId } = target
  const connection = createConnection({
    ...config,
    connectTimeout: 0,
    ...(address === undefined || config.stream !== undefined || config.socketPath !== undefined
      ? {}
      : { stream: () => connect({ host: address, port: port ?? 3306 }).setNoDelay(true) }),
  })
  const internals = internalsOf(connection)
  internals.stream.unref?.()
  const ask = (text: string) => askOn(internals, text, (send) => send())
  await new Promise<void>((resolve) => {
    const timer = systemClock.setTimeout(resolve, PATIENCE_MS)
    const finish = (): void => {
      systemClock.clearTimeout(timer)
      resolve()
    }
    connection.on('error', finish)
    const kill = async (): Promise<void> => {
      if (identity !== undefined) {
        const { rows } = await ask(identity.question)
        // Another server behind the same address has other sessions by the same numbers.
        if (rows[0]?.[0] !== identity.answer) return
      }
      // Numbers rise while a server runs: a lower one is of a server that has been restarted.
      if ((internals.threadId ?? 0) > threadId) await ask(`KILL ${threadId}`)
    }
    connection.connect((error) => {
      if (error) finish()
      else kill().then(finish, finish)
    })
  })
  internals._closing = true
  internals.stream.destroy()
}
