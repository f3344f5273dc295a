import { readdirSync, readFileSync } from 'node:fs'
import type { PostgresNode } from '@connmgr/testing'
import type { ChaosContext } from './context.js'

/** A server whose recovery takes as long as one likes: it answers that it is starting (57P03) until it is let go. */
export class SlowRecovery {
  readonly #pid: number
  readonly #started: Promise<void>

  private constructor(pid: number, started: Promise<void>) {
    this.#pid = pid
    this.#started = started
  }

  /** Kills a server and starts it again, and stops the process that recovers its data. */
  static async of(context: ChaosContext, node: PostgresNode): Promise<SlowRecovery> {
    const [setting] = await node.query<{ name: string }>(
      `select current_setting('cluster_name') as name`,
    )
    // Enough to replay for the process to be caught at it.
    await node.query('create table replayed as select generate_series(1, 400000) as n')
    await node.crash()
    const started = node.start()
    let pid: number | undefined
    await context.until(
      () => {
        pid = startupProcess(setting?.name ?? '')
        return pid !== undefined
      },
      'the server recovers',
      10_000,
    )
    process.kill(pid as number, 'SIGSTOP')
    const recovery = new SlowRecovery(pid as number, started)
    context.defer(() => recovery.finish())
    return recovery
  }

  /** Lets it finish; resolves when the server accepts connections. */
  async finish(): Promise<void> {
    try {
      process.kill(this.#pid, 'SIGCONT')
    } catch (error) {
      // It has gone already.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    await this.#started
  }
}

function startupProcess(clusterName: string): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8')
      if (command.includes(`${clusterName}: startup recovering`)) return Number(entry)
    } catch {
      // It ended while we looked.
    }
  }
  return undefined
}
