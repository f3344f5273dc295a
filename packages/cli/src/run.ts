import { InvalidOptionError, redactText } from '@connmgr/core'
import { messageOf } from '@connmgr/core/driver'
import { CHECK_OPTIONS, runCheck } from './check/command.js'
import { DOCTOR_OPTIONS, runDoctor } from './doctor/command.js'
import { EXIT_CODE, type ExitCode, UnreachableError, UsageError } from './exit-code.js'
import { type OptionDeclarations, type Parsed, parseOptions } from './options/parse.js'
import { REPORT_OPTIONS, runReport } from './report/command.js'
import type { Io } from './terminal/io.js'
import { runTop, TOP_OPTIONS } from './top/command.js'
import { USAGE } from './usage.js'
import { VERSION } from './version.js'

interface Command {
  readonly options: OptionDeclarations
  run(parsed: Parsed, io: Io): Promise<ExitCode>
}

const COMMANDS: Readonly<Record<'doctor' | 'check' | 'top' | 'report', Command>> = {
  doctor: { options: DOCTOR_OPTIONS, run: runDoctor },
  check: { options: CHECK_OPTIONS, run: runCheck },
  top: { options: TOP_OPTIONS, run: runTop },
  report: { options: REPORT_OPTIONS, run: runReport },
}

/**
 * Runs a command line. What it has to say of errors goes to stderr; it never rejects for one that the user can mend.
 *
 * @param args without the programs: `['doctor', '--json']`
 * @returns the exit code
 */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === '--version' || name === '-v') return say(io, `${VERSION}\n`)
  if (name === '--help' || name === '-h' || name === 'help') return say(io, USAGE.general)
  if (name === undefined || !Object.hasOwn(COMMANDS, name)) {
    io.stderr.write(name === undefined ? USAGE.general : unknownCommand(name))
    return EXIT_CODE.usage
  }
  const command = COMMANDS[name as keyof typeof COMMANDS]
  try {
    const parsed = parseOptions(rest, command.options)
    if (parsed.help === true) return say(io, USAGE[name as keyof typeof COMMANDS])
    return await command.run(parsed, io)
  } catch (error) {
    return refuse(name, error, io)
  }
}

function say({ stdout }: Io, text: string): ExitCode {
  stdout.write(text)
  return EXIT_CODE.ok
}

function unknownCommand(name: string): string {
  const shown = /^[\w-]{1,40}$/.test(name) ? `"${name}"` : 'there'
  return `connmgr: no command is called ${shown}; the commands are ${Object.keys(COMMANDS).join(', ')}. See connmgr --help\n`
}

function refuse(name: string, error: unknown, { signal, stderr }: Io): ExitCode {
  if (signal.aborted) return EXIT_CODE.interrupted
  const message = `connmgr ${name}: ${redactText(messageOf(error))}\n`
  if (error instanceof UsageError || error instanceof InvalidOptionError) {
    stderr.write(`${message}See connmgr ${name} --help\n`)
    return EXIT_CODE.usage
  }
  if (!(error instanceof UnreachableError)) throw error
  stderr.write(message)
  return EXIT_CODE.unreachable
}
