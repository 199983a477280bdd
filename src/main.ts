#!/usr/bin/env node
import './heap.js'
import { join } from 'node:path'
import type { Terminal } from './admin/terminal.js'
import { parseConfig, readDotenv, type Config } from './config.js'
import { isErrno } from './errors.js'
import { createLog, inOneGo } from './log.js'
import { chooseLanguage, messagesIn } from './messages.js'
import { UnusableFolder } from './stores.js'

/** A stop that takes longer than this many milliseconds is cut short. */
const GRACE = 4500
/** Where the build lays the page, beside the code. */
const PAGE = join(import.meta.dirname, '../page')

const language = chooseLanguage(process.env, systemLocale())
const messages = messagesIn(language)
const config = readConfig()
const [command = 'serve', ...rest] = process.argv.slice(2)

if (command === 'serve' && rest.length === 0) await runServer()
else process.exitCode = await runCommand()

/** Config -> serve -> until somebody wants it to stop. */
async function runServer(): Promise<void> {
  const lines = inOneGo((text) => console.log(text))
  process.on('exit', lines.flush)
  const log = createLog(config.logFormat, lines.add, (line) => console.error(line))
  try {
    const { serve } = await import('./serve.js')
    const service = await serve(config, { log, messages }, PAGE)
    process.on('SIGTERM', stop).on('SIGINT', stop)

    function stop(): void {
      process.off('SIGTERM', stop).off('SIGINT', stop)
      process.on('SIGTERM', () => process.exit(1)).on('SIGINT', () => process.exit(1))
      log.info(messages.stopping())
      setTimeout(() => process.exit(0), GRACE).unref()
      void service.stop().then(() => process.exit(0))
    }
  } catch (error) {
    log.error(reasonToGiveUp(error))
    process.exit(1)
  }
}

/** One of the operator's commands; resolves with the exit code. */
async function runCommand(): Promise<number> {
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort()).on('SIGINT', () => stop.abort())
  // Whoever reads the answer (`list | head`) has had enough.
  process.stdout.on('error', (error) => process.exit(isErrno(error, 'EPIPE') ? 0 : 4))
  const terminal: Terminal = {
    out: (line) => console.log(line),
    err: (line) => console.error(line),
    clearLine: () => void process.stderr.write('\r\u001b[K'),
    isInteractive: process.stderr.isTTY,
    signal: stop.signal,
  }
  const { administer } = await import('./admin/program.js')
  return administer(process.argv.slice(2), { config, language, terminal })
}

function readConfig(): Config {
  const folder = process.cwd()
  const parsed = parseConfig(readDotenv(join(folder, '.env')), process.env, folder)
  if ('config' in parsed) return parsed.config
  for (const bad of parsed.bad) console.error(`[ERROR] ${messages.badValue(bad)}`)
  process.exit(2)
}

/** What keeps the server from starting, in one line that says what to do. */
function reasonToGiveUp(error: unknown): string {
  const { bind, port } = config
  if (error instanceof UnusableFolder) return error.inWords(messages, config)
  if (isErrno(error, 'EADDRINUSE')) return messages.portInUse(port)
  if (isErrno(error, 'EACCES')) return messages.portForbidden(port)
  if (isErrno(error, 'EADDRNOTAVAIL', 'ENOTFOUND')) return messages.noSuchAddress(bind)
  return messages.cantStart(error instanceof Error ? error.message : String(error))
}

/** Windows and macOS have a locale that no variable tells. */
function systemLocale(): string | undefined {
  return ['win32', 'darwin'].includes(process.platform)
    ? Intl.DateTimeFormat().resolvedOptions().locale
    : undefined
}
