import { type ComponentChildren, createContext, type JSX } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { ACTION_HEADER, type DashboardAction } from '../src/actions/action'
import { Confirmation, type Outcome } from './confirmation'

/** What a button asks for. */
export interface Wish {
  readonly action: DashboardAction
  /** The manager's number. */
  readonly manager: number
  readonly endpoint?: string
  readonly lease?: number
  /** Asked before it is done, with what it means; done at once without. */
  readonly confirm?: { readonly question: string; readonly consequence: string }
}

interface Actions {
  /** What this visitor may have done. */
  readonly offered: readonly DashboardAction[]
  readonly ask: (wish: Wish) => void
}

const NONE: Actions = { offered: [], ask: () => {} }
const ActionsContext = createContext<Actions>(NONE)

/** Offers the actions that the server allows this visitor, asks for confirmation, and says what has come of them. */
export function WithActions({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const offered = useOffered()
  const [asked, setAsked] = useState<Wish | undefined>(undefined)
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined)
  const ask = (wish: Wish): void => {
    setOutcome(undefined)
    if (wish.confirm === undefined) void perform(wish).then(setOutcome)
    else setAsked(wish)
  }
  return (
    <ActionsContext.Provider value={{ offered, ask }}>
      {children}
      {asked?.confirm !== undefined && (
        <Confirmation
          {...asked.confirm}
          perform={() => perform(asked)}
          onEnd={(done) => {
            setAsked(undefined)
            setOutcome(done)
          }}
        />
      )}
      <OutcomeBar outcome={outcome} onClose={() => setOutcome(undefined)} />
    </ActionsContext.Provider>
  )
}

/** A button for an action; nothing where this visitor may not have it done. */
export function ActionButton({
  children,
  describe,
  wish,
}: {
  /** What is read out instead of its short text: it names what it is about. */
  readonly describe: string
  readonly wish: Wish
  readonly children: ComponentChildren
}): JSX.Element | null {
  const { ask, offered } = useContext(ActionsContext)
  if (!offered.includes(wish.action)) return null
  return (
    <button type="button" aria-label={describe} onClick={() => ask(wish)}>
      {children}
    </button>
  )
}

/** Whether any of these is offered. */
export function useOffers(...actions: readonly DashboardAction[]): boolean {
  const { offered } = useContext(ActionsContext)
  return actions.some((each) => offered.includes(each))
}

/** Stays in the page while it is empty, so that what it comes to say is read out. */
function OutcomeBar({
  onClose,
  outcome,
}: {
  readonly outcome: Outcome | undefined
  readonly onClose: () => void
}): JSX.Element {
  return (
    <div class="outcome" role="status">
      {outcome !== undefined && (
        <p class={outcome.done ? 'good' : 'bad'}>
          {outcome.text}
          <button type="button" onClick={onClose}>
            Close
          </button>
        </p>
      )}
    </div>
  )
}

function useOffered(): readonly DashboardAction[] {
  const [offered, setOffered] = useState<readonly DashboardAction[]>([])
  useEffect(() => {
    fetch('actions')
      .then((response) => response.json() as Promise<{ actions?: readonly DashboardAction[] }>)
      .then(({ actions = [] }) => setOffered(actions))
      // Without an answer there is nothing to offer; the page itself says that the server is gone.
      .catch(() => {})
  }, [])
  return offered
}

async function perform({ action, endpoint, lease, manager }: Wish): Promise<Outcome> {
  const query = new URLSearchParams({ action, manager: String(manager) })
  if (endpoint !== undefined) query.set('endpoint', endpoint)
  if (lease !== undefined) query.set('lease', String(lease))
  try {
    const response = await fetch(`actions?${query}`, {
      method: 'POST',
      headers: { [ACTION_HEADER]: 'action' },
    })
    const { error, result } = (await response.json()) as { result?: string; error?: string }
    if (result !== undefined) return { done: true, text: result }
    return { done: false, text: error ?? `The server answers ${response.status}.` }
  } catch {
    return {
      done: false,
      text: 'The server cannot be reached, so it is unknown whether it was done.',
    }
  }
}
