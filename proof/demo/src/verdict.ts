import { basename } from 'node:path'
import type { DemoResult } from './result.js'
import { type Promises, SERVER_PROMISES } from './stage.js'

/** Something that the demo promises, and whether it was so. */
export interface Claim {
  readonly ok: boolean
  readonly text: string
  /** What was seen. */
  readonly seen: string
}

/** What the demo promises, in the order in which it is shown. `ownFolder` is where its leaks are. */
export function verdictOn(
  result: DemoResult,
  ownFolder: string,
  promises: Promises = SERVER_PROMISES,
): Claim[] {
  const { ledger, failover, reads, processCrashes } = result
  return [
    leaksNamed(result, ownFolder),
    {
      ok: Number.isFinite(failover.detectedAfterMs),
      text: promises.outage,
      seen: `after ${failover.detectedAfterMs} ms; of all reads ${reads.done} succeeded and ${reads.failed} failed`,
    },
    writesGoOn(result, promises),
    {
      ok: ledger.lost === 0,
      text: 'no acknowledged write was lost',
      seen: `${ledger.acknowledged} acknowledged, ${ledger.lost} lost; of ${ledger.unknown} in flight the outcome was reported as unknown`,
    },
    {
      ok: ledger.duplicated === 0,
      text: 'no write is there twice',
      seen: `${ledger.duplicated} twice; ${ledger.failed} were reported as failed`,
    },
    {
      ok: processCrashes === 0,
      text: 'the process lived through all of it',
      seen: `${processCrashes} uncaught errors`,
    },
    ...pageReported(result),
  ]
}

function leaksNamed({ orms, leaks }: DemoResult, ownFolder: string): Claim {
  const sites = orms.map((orm) => {
    const leak = leaks.find((each) => each.orm === orm)
    const isOurs = leak?.file.startsWith(ownFolder) === true
    const name = isOurs ? basename(leak.file) : leak?.file
    return { isOurs, text: leak === undefined ? `${orm}: not reported` : `${name}:${leak.line}` }
  })
  return {
    ok: sites.every(({ isOurs }) => isOurs),
    text: 'the leak through each ORM was named by file and line',
    seen: sites.map(({ text }) => text).join(', '),
  }
}

/** Nothing where no browser could watch. */
function pageReported({ page }: DemoResult): Claim[] {
  if (page === undefined || page.leftOut !== undefined) return []
  const { complaints, headlines, leakShown, outageShown } = page
  return [
    {
      ok: leakShown && outageShown && complaints.length === 0,
      text: 'the live page showed the leak, the outage, and its end',
      seen: [...headlines, ...complaints].join(' > '),
    },
  ]
}

function writesGoOn({ orms, failover }: DemoResult, promises: Promises): Claim {
  const first = orms.map((orm) => failover.firstWriteAfterPromotionMs[orm] ?? undefined)
  const seen = orms.map((orm, index) =>
    first[index] === undefined ? `${orm}: never` : `${orm}: ${first[index]} ms`,
  )
  return {
    ok: first.every((ms) => ms !== undefined),
    text: promises.writes,
    seen: seen.join(', '),
  }
}
