import type { Report } from './messages.js'

/**
 * Where in the course of a statement something happens: before it is begun, when it has done its work, in the midst of
 * its commit, when the end of its command has been reported, when the server has said that it is ready for the next.
 */
export const PLACES = ['received', 'executed', 'committing', 'answered', 'ready'] as const
export type Place = (typeof PLACES)[number]

/** What happens to a session, or to one statement. */
export interface End {
  /** Statements of all sessions that pass before it happens. */
  readonly after: number
  readonly place: Place
  readonly kind: keyof typeof KINDS
  /** Which of both is true where the server may have committed or not. */
  readonly kept: boolean
  /** The last message before it arrives in part. */
  readonly cut: boolean
}

interface Kind {
  /** Said before the socket closes. */
  readonly says?: Report
  readonly asNotice?: boolean
  /** Only where PostgreSQL looks for interrupts: never once a commit has begun. */
  readonly interrupt?: boolean
  /** Of a pooler that has sent nothing on. */
  readonly unsent?: boolean
  /** The session goes on. */
  readonly lives?: boolean
  readonly garbage?: boolean
  /** The answer is late. */
  readonly stalls?: boolean
}

const fatal = (C: string, M: string, R?: string): Report => ({
  S: 'FATAL',
  V: 'FATAL',
  C,
  M,
  ...(R === undefined ? {} : { R }),
})

export const KINDS = {
  terminated: {
    says: fatal(
      '57P01',
      'terminating connection due to administrator command',
      'ProcessInterrupts',
    ),
    interrupt: true,
  },
  'terminated, in Russian': {
    says: { S: 'ВАЖНО', V: 'FATAL', C: '57P01', M: 'закрытие подключения', R: 'ProcessInterrupts' },
    interrupt: true,
  },
  'transaction timeout': {
    says: fatal('25P04', 'terminating connection due to transaction timeout', 'ProcessInterrupts'),
    interrupt: true,
  },
  'idle timeout': {
    says: fatal('57P05', 'terminating connection due to idle-session timeout', 'ProcessInterrupts'),
    interrupt: true,
  },
  panic: {
    says: {
      S: 'PANIC',
      V: 'PANIC',
      C: '53100',
      M: 'could not write to file: No space left',
      R: 'XLogWrite',
    },
  },
  'panic, in Russian': {
    says: { S: 'ПАНИКА', V: 'PANIC', C: '58030', M: 'не удалось записать файл', R: 'XLogWrite' },
  },
  'panic with the SQLSTATE of a shutdown': {
    says: { S: 'PANIC', V: 'PANIC', C: '57P01', M: 'dying', R: 'XLogWrite' },
  },
  'fatal error': { says: fatal('XX000', 'could not recover', 'AtEOXact_Something') },
  'immediate shutdown': {
    says: { S: 'WARNING', V: 'WARNING', C: '57P01', M: 'due to immediate shutdown', R: 'quickdie' },
    asNotice: true,
  },
  'crash of another backend': {
    says: {
      S: 'WARNING',
      V: 'WARNING',
      C: '57P02',
      M: 'crash of another server process',
      R: 'quickdie',
    },
    asNotice: true,
  },
  'signal handler that does not warn': { says: fatal('57P02', 'crash', 'quickdie') },
  'pooler that lost its server': { says: fatal('08P01', 'server conn crashed?') },
  'pooler that says what a server would': { says: fatal('57P01', 'terminating connection') },
  'pooler without the severity': { says: { S: 'FATAL', C: '57P01', M: 'shutting down' } },
  'pooler without a server': {
    says: fatal('08P01', 'server login has been failing, try again later (server_login_retry)'),
    unsent: true,
  },
  'outcome that the server does not know': {
    says: { S: 'ERROR', V: 'ERROR', C: '08007', M: 'transaction resolution unknown', R: 'x' },
    lives: true,
  },
  garbage: { garbage: true },
  reset: {},
  stall: { stalls: true },
} as const satisfies Record<string, Kind>

export const kindOf = (end: End): Kind => KINDS[end.kind]
