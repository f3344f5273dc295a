import { useEffect, useState } from 'preact/hooks'
import type { DashboardView } from '../src/view'

/** One moment of a pool, for its chart. */
export interface Moment {
  /** Seconds since the Unix epoch. */
  readonly at: number
  readonly inUse: number
  readonly idle: number
  readonly waiting: number
  readonly limit: number
}

/** What is known now, and since the page was opened. */
export interface Live {
  readonly view: DashboardView | undefined
  /** By the manager's id. */
  readonly history: ReadonlyMap<number, readonly Moment[]>
  /** False while the server cannot be reached: what is shown is old. */
  readonly connected: boolean
}

/** Moments that a chart keeps: five minutes of seconds. */
const MOST_MOMENTS = 300

/** Follows the server's pictures. The browser comes back by itself after a break. */
export function useLive(): Live {
  const [live, setLive] = useState<Live>({ view: undefined, history: new Map(), connected: false })
  useEffect(() => {
    const source = new EventSource('events')
    source.onmessage = ({ data }) => {
      const view = JSON.parse(data as string) as DashboardView
      setLive(({ history }) => ({ view, history: withMoment(history, view), connected: true }))
    }
    source.onerror = () => setLive((before) => ({ ...before, connected: false }))
    return () => source.close()
  }, [])
  return live
}

function withMoment(history: Live['history'], { at, managers }: DashboardView): Live['history'] {
  return new Map(
    managers.map(({ id, pool }) => {
      const moment: Moment = {
        at: new Date(at).getTime() / 1000,
        inUse: pool.checkedOut,
        idle: pool.checkedIn,
        waiting: pool.waiting,
        limit: pool.limit,
      }
      return [id, [...(history.get(id) ?? []), moment].slice(-MOST_MOMENTS)]
    }),
  )
}
