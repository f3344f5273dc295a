import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { patroniTopology } from '@connmgr/pg'
import type { PostgresNode } from '@connmgr/testing'
import { now } from '../../now.js'
import type { ChaosContext } from '../context.js'
import { promote } from '../promotion.js'
import type { Scenario } from '../scenario.js'

/** Each is left to mislead for so long. */
const WRONG_MS = 1000
const REFRESH_MS = 100

/** What an API of Patroni's makes of a request for `/cluster`. */
type Answer = 'nothing' | 'failure' | 'nonsense' | { readonly leader: PostgresNode }

/** Patroni's API names the wrong leader, answers nonsense, hangs and dies: what the servers say decides. */
export const scenario: Scenario = {
  id: 63,
  name: "Patroni's API down or wrong",
  targets: { firstWriteMs: 300 },
  async run(context) {
    const cluster = await context.cluster({ standbys: 1, synchronous: true })
    const [primary, standby] = cluster.nodes as [PostgresNode, PostgresNode]
    const api = await startApi(context, cluster.nodes)
    api.answer = { leader: primary }
    const service = await context.service({
      nodes: cluster.nodes,
      manager: {
        databaseUrl: primary.url(),
        failoverUrls: [],
        topology: patroniTopology({ urls: [api.url], refreshMs: REFRESH_MS, timeoutMs: 300 }),
      },
    })
    const known = service.manager.getFailoverStatus().endpoints.length
    context.expect(known === 2, `${known} servers were found through the API`)

    const wrongFrom = now()
    const wrong: readonly (readonly [string, Answer])[] = [
      ['the API names the standby as leader', { leader: standby }],
      ['the API answers nonsense', 'nonsense'],
      ['the API fails', 'failure'],
      ['the API does not answer', 'nothing'],
    ]
    for (const [what, answer] of wrong) {
      context.step(what)
      api.answer = answer
      await context.sleep(WRONG_MS)
      await service.writes(5)
    }
    const misled = service.load.failed('write', wrongFrom).length
    context.expect(misled === 0, `${misled} writes failed while only the API was wrong`)
    const moves = service.recorder.moves(wrongFrom)
    context.expect(moves === 0, `callers were moved ${moves} times while only the API was wrong`)

    context.step(
      'the primary crashes and the standby is promoted, and the API still names the dead one',
    )
    api.answer = { leader: primary }
    await primary.crash()
    const promotion = await promote(standby)
    await service.writes(20)
    const measured = await service.finish(standby)
    service.expectNoFailedAcquire()
    return { firstWriteMs: service.firstWriteMs(promotion), requests: api.requests, ...measured }
  },
}

interface Api {
  readonly url: string
  answer: Answer
  requests: number
}

async function startApi(context: ChaosContext, nodes: readonly PostgresNode[]): Promise<Api> {
  const server = createServer((_request, response) => {
    api.requests += 1
    const { answer } = api
    if (answer === 'nothing') return
    if (answer === 'failure') response.statusCode = 503
    response.end(answer === 'nonsense' ? '<html>' : JSON.stringify({ members: members(answer) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.defer(async () => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const api: Api = { url: `http://127.0.0.1:${port}`, answer: 'failure', requests: 0 }
  return api

  function members(answer: Answer): unknown[] {
    return nodes.map((node) => ({
      name: node.name,
      host: node.host,
      port: node.port,
      state: 'running',
      role: typeof answer === 'object' && answer.leader === node ? 'leader' : 'replica',
    }))
  }
}
