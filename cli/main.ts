#!/usr/bin/env node
import '../src/heap.js'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultServer, parseServer } from './address.js'
import { startsWithCommand } from './commands/names.js'
import type { Actions } from './commands/order.js'
import type { Surroundings } from './commands/surroundings.js'
import { createConsole } from './console.js'
import { ClientError, EXIT_CODES, asClientError } from './errors.js'
import { pickLanguage } from './locale.js'
import { describe, messagesIn } from './messages.js'
import { parseOptions } from './options.js'
import { ProgressBar, ProgressLines } from './progress.js'
import { stateFolder } from './state.js'
import { upload } from './upload.js'

const { env, platform, stdout, stderr } = process
const packageFolder = fileURLToPath(new URL('../..', import.meta.url))
// npm runs scripts in the package's folder; what a user types means the folder where they typed it.
const folder = (env['npm_lifecycle_event'] === 'client' && env['INIT_CWD']) || process.cwd()
const language = pickLanguage(env, platform, () => Intl.DateTimeFormat().resolvedOptions().locale)
const messages = messagesIn(language)
const console = createConsole(stdout, stderr)
const interrupt = new AbortController()
const argv = process.argv.slice(2)
const isSubcommand = startsWithCommand(argv)

async function main(): Promise<void> {
  if (isSubcommand) {
    const { runCommand } = await import('./commands/program.js')
    process.exitCode = await runCommand(argv, surroundings(), actions)
    return
  }
  const wish = parseOptions(argv, messages, packageVersion())
  if (wish.kind === 'text') {
    stdout.write(`${wish.text}\n`)
    return
  }
  const server =
    wish.server === undefined ? defaultServer(env, [folder, packageFolder]) : parseServer(wish.server)
  const onTerminal = stdout.isTTY && env['TERM'] !== 'dumb'
  await upload(
    { ...wish, path: resolve(folder, wish.file), shownAs: wish.file, server },
    {
      console,
      messages,
      progress: onTerminal ? new ProgressBar(messages, stdout) : new ProgressLines(console, messages),
      stateFolder: stateFolder(env, platform),
      signal: interrupt.signal,
    },
  )
}

const actions: Actions = {
  async upload(order, tools) {
    const { uploadAll } = await import('./sending/upload-all.js')
    return uploadAll(order, tools)
  },
  async get(order, tools) {
    const { getWanted } = await import('./get/command.js')
    return getWanted(order, tools, language)
  },
}

function surroundings(): Surroundings {
  const { stdin } = process
  const version = packageVersion()
  const { signal } = interrupt
  return { env, platform, folder, packageFolder, version, language, stdin, stdout, stderr, signal }
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(resolve(packageFolder, 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}

/** Says what went wrong in one line, and leaves with its exit code. */
function fail(thrown: unknown): void {
  const error = asClientError(thrown)
  process.exitCode = EXIT_CODES[error.code]
  console.warn(messages.error(describe(error, messages)))
  if (process.exitCode === EXIT_CODES['no-file-given'] && !isSubcommand) console.warn(messages.usageHint)
}

/** The first signal ends the run in good order, a second one at once. */
function onSignal(code: 'interrupted' | 'terminated'): void {
  if (interrupt.signal.aborted) process.exit(EXIT_CODES[code])
  interrupt.abort(new ClientError(code))
}

process.on('SIGINT', () => onSignal('interrupted'))
process.on('SIGTERM', () => onSignal('terminated'))
// A reader that has gone (`| head`) is no reason to stop the upload.
stdout.on('error', () => undefined)
stderr.on('error', () => undefined)
process.on('uncaughtException', (error) => {
  fail(error)
  process.exit()
})

await main().catch(fail)
// Whatever still hangs on a connection has no work left to do.
setTimeout(() => process.exit(), 500).unref()
