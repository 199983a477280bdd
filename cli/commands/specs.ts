import type { FlagName } from './flags.js'
import type { CommandName } from './names.js'

/** What a command takes, besides help: as data, from which parser, help and completion are made. */
export interface CommandSpec {
  /** As commander writes it. */
  argument?: string
  /** What a shell may complete as an argument: files, or some words. */
  completes?: 'files' | readonly string[]
  flags: readonly FlagName[]
  /** How long to try again by default, where the usual time would be too long. */
  retryFor?: string
}

const ACCESS = ['server', 'token', 'token-file', 'ca'] as const
const OUTPUT = ['json', 'quiet', 'no-progress'] as const
const COMMON = [...ACCESS, ...OUTPUT, 'retry-for'] as const

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export const SPECS: Record<Exclude<CommandName, 'help'>, CommandSpec> = {
  upload: {
    argument: '<sources...>',
    completes: 'files',
    flags: [
      ...COMMON,
      'concurrency',
      'connections',
      'hash-first',
      'strict',
      'wait',
      'limit-rate',
      'chunk-size',
      'dry-run',
      'include',
      'exclude',
      'max-size',
      'hidden',
      'follow-links',
      'manifest',
      'name',
      'no-cache',
    ],
  },
  get: {
    argument: '[items...]',
    flags: [...COMMON, 'output', 'all', 'connections', 'force', 'limit-rate'],
  },
  check: { argument: '<items...>', completes: 'files', flags: [...COMMON, 'strict'], retryFor: '30s' },
  link: { argument: '<items...>', completes: 'files', flags: [...COMMON, 'expires'], retryFor: '30s' },
  login: { argument: '[server]', flags: [...COMMON, 'logout'], retryFor: '30s' },
  doctor: { argument: '[md5]', flags: [...ACCESS, ...OUTPUT] },
  completion: { argument: '<shell>', completes: SHELLS, flags: [] },
}
