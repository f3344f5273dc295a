/** The part of `/cluster` that is used here. */
export interface ClusterMember {
  readonly name: string
  readonly role: string
  readonly state: string
  readonly port: number
  readonly timeline?: number
}

/** How long a request of a healthy agent may take. */
const TIMEOUT_MS = 1000
/** A switchover or a restart is answered when it is done. */
const ACTION_TIMEOUT_MS = 30_000

/** Patroni's API of one node. */
export class PatroniApi {
  readonly url: string

  constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`
  }

  /** The status of a health check such as `/primary`; undefined if there was no answer. */
  async status(path: string): Promise<number | undefined> {
    try {
      const response = await fetch(this.url + path, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      await response.body?.cancel()
      return response.status
    } catch {
      // Down, frozen or about to start: there is no answer, which is the answer.
      return undefined
    }
  }

  async members(): Promise<readonly ClusterMember[]> {
    const response = await fetch(`${this.url}/cluster`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const { members } = (await response.json()) as { members: readonly ClusterMember[] }
    return members
  }

  /** Asks for a switchover or a restart; resolves when Patroni has done it. */
  async order(action: 'switchover' | 'restart', body: Record<string, string>): Promise<void> {
    const response = await fetch(`${this.url}/${action}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ACTION_TIMEOUT_MS),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`Patroni refused the ${action}: ${response.status} ${text}`)
  }
}
