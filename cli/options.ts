import { Command, CommanderError } from 'commander'
import { ClientError, type ErrorCode } from './errors.js'
import type { Messages } from './messages.js'

/** What the command line asks for: an upload, or a text (help, version) to print. */
export type Wish =
  | { kind: 'upload'; file: string; server: string | undefined; retryForMs: number; retryFor: string }
  | { kind: 'text'; text: string }

interface Given {
  file?: string
  server?: string
  retryFor: string
}

/** Reads the arguments after the program's name. Throws the usage errors (exit code 2). */
export function parseOptions(argv: readonly string[], messages: Messages, version: string): Wish {
  let text = ''
  const command = describeCommand(messages, version).configureOutput({
    writeOut: (part) => (text += part),
    writeErr: () => undefined,
  })
  try {
    command.parse(withGoFlags(argv), { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return { kind: 'text', text: text.trimEnd() }
    throw asUsageError(error)
  }
  const [extra] = command.args
  if (extra !== undefined) throw new ClientError('unexpected-argument', { subject: extra })
  const { file, server, retryFor } = command.opts<Given>()
  if (!file) throw new ClientError('no-file-given')
  if (server === '') throw new ClientError('value-missing', { subject: '-server' })
  return { kind: 'upload', file, server, retryForMs: parseDuration(retryFor), retryFor }
}

function describeCommand({ help }: Messages, version: string): Command {
  const titles: Record<string, string> = { 'Usage:': help.usageTitle, 'Options:': help.optionsTitle }
  return new Command('ferry')
    .description(help.description)
    .usage(help.usage)
    .option('-f, --file <path>', help.file)
    .option('-s, --server <address>', help.server)
    .option('--retry-for <duration>', help.retryFor, '10m')
    .helpOption('-h, --help', help.help)
    .version(version, '-V, --version', help.version)
    .addHelpText('after', help.after)
    .configureHelp({ styleTitle: (title) => titles[title] ?? title })
    .allowExcessArguments(true)
    .exitOverride()
}

const TAKES_VALUE = /^(-f|-s|--file|--server|--retry-for)$/

/** Go programs take long names after one dash, and `=` after any: `-file X`, `-f=X`. A commander would read `-f ile`. */
function withGoFlags(argv: readonly string[]): string[] {
  const flags: string[] = []
  for (const argument of argv) {
    const isValue = TAKES_VALUE.test(flags.at(-1) ?? '') || flags.includes('--')
    flags.push(
      isValue ? argument : argument.replace(/^-(?=[a-z][a-z-]+(=|$))/i, '--').replace(/^(-[a-z])=/i, '$1'),
    )
  }
  return flags
}

const USAGE_ERRORS: Record<string, ErrorCode> = {
  'commander.unknownOption': 'unknown-option',
  'commander.optionMissingArgument': 'value-missing',
}

function asUsageError(error: unknown): unknown {
  const code = error instanceof CommanderError ? USAGE_ERRORS[error.code] : undefined
  if (!(error instanceof CommanderError) || !code) return error
  // commander keeps what it complains about only in the text: the first thing in quotes.
  const subject = /'([^']+)'/.exec(error.message)?.[1] ?? ''
  return new ClientError(code, { subject }, { cause: error })
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @public A duration as Go writes it (`30s`, `10m`, `1h30m`, `0`) in milliseconds. Throws `bad-duration`. */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/gy)]
  if (!text || parts.map(([part]) => part).join('') !== text)
    throw new ClientError('bad-duration', { subject: text })
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0)
}
