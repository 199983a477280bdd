/** What a value is: how it is read, and what a shell may complete. */
export type Kind = 'text' | 'address' | 'file' | 'duration' | 'count' | 'connections' | 'size' | 'rate'

export interface Flag {
  /** As commander writes it. */
  flags: string
  /** Undefined: it is on or off. */
  kind?: Kind
  isRepeatable?: true
  /** As a user would write it. */
  default?: string
}

/** Every option of every command, by its long name. */
export const FLAGS = {
  server: { flags: '-s, --server <address>', kind: 'address' },
  token: { flags: '--token <token>', kind: 'text' },
  'token-file': { flags: '--token-file <file>', kind: 'file' },
  ca: { flags: '--ca <file>', kind: 'file' },
  json: { flags: '--json' },
  quiet: { flags: '-q, --quiet' },
  'no-progress': { flags: '--no-progress' },
  'retry-for': { flags: '--retry-for <duration>', kind: 'duration', default: '10m' },

  concurrency: { flags: '--concurrency <n>', kind: 'count', default: '4' },
  'hash-first': { flags: '--hash-first' },
  strict: { flags: '--strict' },
  wait: { flags: '--wait' },
  'limit-rate': { flags: '--limit-rate <rate>', kind: 'rate' },
  'chunk-size': { flags: '--chunk-size <size>', kind: 'size' },
  'dry-run': { flags: '-n, --dry-run' },
  include: { flags: '--include <pattern>', kind: 'text', isRepeatable: true },
  exclude: { flags: '--exclude <pattern>', kind: 'text', isRepeatable: true },
  'max-size': { flags: '--max-size <size>', kind: 'size' },
  hidden: { flags: '--hidden' },
  'follow-links': { flags: '--follow-links' },
  manifest: { flags: '--manifest <file>', kind: 'file' },
  name: { flags: '--name <name>', kind: 'text' },
  'no-cache': { flags: '--no-cache' },

  output: { flags: '-o, --output <path>', kind: 'file' },
  all: { flags: '--all <manifest>', kind: 'file' },
  connections: { flags: '--connections <n|auto>', kind: 'connections', default: 'auto' },
  force: { flags: '-f, --force' },

  expires: { flags: '--expires <duration>', kind: 'duration' },

  logout: { flags: '--logout' },
} as const satisfies Record<string, Flag>

export type FlagName = keyof typeof FLAGS

/** The environment variable of an option. */
export function variableOf(long: string): string {
  return `FERRY_${long.replace(/^--/, '').toUpperCase().replaceAll('-', '_')}`
}
