import { ConnmgrError, redactText } from '@connmgr/core'
import { summarize, systemClock } from '@connmgr/core/driver'
import { admit } from '../access.js'
import { type Answer, jsonAnswer } from '../answer.js'
import type { DashboardRequest, ResolvedOptions } from '../options.js'
import { queryOf } from '../request.js'
import type { DashboardAction } from './action.js'
import { perform } from './perform.js'
import { Refusal } from './refusal.js'
import { refusalOfOrigin } from './same-origin.js'
import { purposeOf, type Wish, wishOf } from './wish.js'

/** Answers what is asked of the actions: which there are for this visitor, or to have one done. */
export async function answerActions(
  request: DashboardRequest,
  options: ResolvedOptions,
): Promise<Answer> {
  const { method } = request
  if (method === 'GET' || method === 'HEAD')
    return jsonAnswer(200, { actions: await offeredTo(request, options) })
  if (method !== 'POST')
    return jsonAnswer(
      405,
      { error: 'An action is asked for by POST.' },
      { allow: 'GET, HEAD, POST' },
    )
  try {
    return jsonAnswer(200, await act(request, options))
  } catch (error) {
    return failure(error)
  }
}

/** What came of an action. */
interface Outcome {
  readonly action: DashboardAction
  readonly manager: string
  readonly by: string
  readonly result: string
}

async function offeredTo(
  request: DashboardRequest,
  { actions, authorize }: ResolvedOptions,
): Promise<DashboardAction[]> {
  const offered: DashboardAction[] = []
  for (const action of actions)
    if ((await admit(request, { action }, authorize)) !== undefined) offered.push(action)
  return offered
}

async function act(request: DashboardRequest, options: ResolvedOptions): Promise<Outcome> {
  const { actions, authorize, insights, managers } = options
  if (actions.length === 0)
    throw new Refusal(
      404,
      'This page only reads: the option "actions" of dashboard() enables actions.',
    )
  const foreign = refusalOfOrigin(request)
  if (foreign !== undefined) throw new Refusal(403, foreign)
  const wish = wishOf(queryOf(request), actions, managers())
  const visitor = await admit(request, purposeOf(wish), authorize)
  if (visitor === undefined)
    throw new Refusal(403, `You may see this page, and not have it do "${wish.action}".`)
  const by = visitor.name ?? 'an unnamed visitor'
  const result = await noted(wish, visitor.name, () =>
    perform(wish, by, insights.get(wish.manager.id)),
  )
  return { action: wish.action, manager: wish.manager.name, by, result }
}

/** Has the manager report what was done, or why it was not, and by whom. */
async function noted(
  { action, endpoint, manager }: Wish,
  by: string | undefined,
  work: () => Promise<string>,
): Promise<string> {
  const begunAt = systemClock.now()
  const about = () => ({ action, by, endpoint, durationMs: systemClock.now() - begunAt })
  try {
    const result = redactText(await work())
    manager.noteOperator({ ...about(), result })
    return result
  } catch (error) {
    const { message, ...summary } = summarize(error)
    const cleaned = { ...summary, message: redactText(message) }
    manager.noteOperator({ ...about(), result: undefined, error: cleaned })
    throw error
  }
}

/** What is neither ours nor the manager's may hold secrets, and goes to no browser. */
function failure(error: unknown): Answer {
  if (error instanceof Refusal) return jsonAnswer(error.status, { error: error.message })
  if (error instanceof ConnmgrError)
    return jsonAnswer(409, { error: redactText(error.message), code: error.code })
  return jsonAnswer(500, { error: 'It failed for a reason that the log of the manager tells.' })
}
