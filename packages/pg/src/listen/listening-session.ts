import type { Client } from 'pg'
import { isAnswer } from '../classify.js'
import { runOwn } from '../own-query.js'
import { quoted } from './channel.js'

const LIMITS = [
  'statement_timeout',
  'lock_timeout',
  'transaction_timeout',
  'idle_session_timeout',
  'idle_in_transaction_session_timeout',
]

/**
 * Lifts time limits: a listener is idle most of the time, and no part of what a role is kept from. Only
 * limits that are set are changed, and none before the session is known to be one. Several statements of one message are a
 * transaction, which an error ends.
 */
const STAY = `
set local statement_timeout to 0; set local lock_timeout to 0;
select pg_catalog.set_config(name, '0', false) from pg_catalog.pg_settings
 where name operator(pg_catalog.=) any ('{${LIMITS.join(',')}}'::pg_catalog.text[])
   and reset_val operator(pg_catalog.<>) '0'`

/** Attempts to lift the limits: the first of them may itself run into a short `statement_timeout` on a busy server. */
const ATTEMPTS = 10
const CANCELED = '57014'

/** Prepares a session for nothing but listening. Rejects if the connection fails. */
export async function prepareToListen(client: Client): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      await runOwn(client, STAY)
      return
    } catch (error) {
      // A server that knows none of this limits nothing either.
      if (!isAnswer(error)) throw error
      if ((error as { code?: unknown }).code !== CANCELED) return
    }
  }
}

export async function listenTo(client: Client, channel: string): Promise<void> {
  await runOwn(client, `LISTEN ${quoted(channel)}`)
}

export async function unlisten(client: Client, channel: string): Promise<void> {
  await runOwn(client, `UNLISTEN ${quoted(channel)}`)
}
