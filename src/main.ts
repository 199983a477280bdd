#!/usr/bin/env node
import './heap.js'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { createApp } from './app.js'
import { parseConfig, readDotenv, type Config } from './config.js'
import { isErrno } from './errors.js'
import { createLinks } from './http/links.js'
import { Intake } from './intake/intake.js'
import { isLoopback, listen, otherAddresses } from './listen.js'
import { createLog, type Log } from './log.js'
import { chooseLanguage, messagesIn, type Messages } from './messages.js'
import { Metrics } from './metrics.js'
import { recover } from './store/recover.js'
import type { Stored } from './store/rows.js'
import { sweepRows } from './store/sweep.js'
import { openStores, UnusableFolder } from './stores.js'

/** Idle uploads and old rows are looked for this often in the life of an idle upload, but at most once a second. */
const SWEEPS_PER_LIFE = 24
/** A stop that takes longer than this many milliseconds is cut short. */
const GRACE = 4500

const messages = messagesIn(chooseLanguage(process.env, systemLocale()))
const config = readConfig()
const log = createLog(
  config.logFormat,
  (line) => console.log(line),
  (line) => console.error(line),
)

try {
  await run(config)
} catch (error) {
  log.error(reasonToGiveUp(error))
  process.exit(1)
}

/** Config -> open stores -> recover -> listen -> stop. */
async function run(config: Config): Promise<void> {
  const { torn, ...stores } = await openStores(config)
  if (torn) log.warn(messages.torn(torn))
  const metrics = new Metrics()
  const told = ({ file, size, filename }: Stored): void =>
    log.info(messages.stored(file, size, filename), { file, size, filename })
  const intake = new Intake(stores, config, told, metrics)
  metrics.watch(intake)
  const recovered = await recover(stores.shelf, stores.ledger, stores.inbox)
  await intake.resume(recovered.uploads)
  await sweep()

  const links = createLinks(config.publicUrl, config.behindProxy)
  const app = createApp({ intake, shelf: stores.shelf, links, log, messages, metrics })
  const server = await listen(app, config.bind, config.port, config.leaseSeconds)
  greet(config, recovered, log, messages)

  const sweeper = setInterval(
    () => void sweep(),
    Math.max(1000, (config.ttlHours * 3_600_000) / SWEEPS_PER_LIFE),
  )
  process.on('SIGTERM', stop).on('SIGINT', stop)

  async function sweep(): Promise<void> {
    try {
      metrics.swept()
      const expired = await intake.expire()
      await sweepRows(stores.ledger, config.ttlHours)
      if (expired > 0) log.info(messages.expired(expired))
    } catch (error) {
      log.error(messages.failed('sweep', String(error)), error)
    }
  }

  function stop(): void {
    process.off('SIGTERM', stop).off('SIGINT', stop)
    process.on('SIGTERM', () => process.exit(1)).on('SIGINT', () => process.exit(1))
    log.info(messages.stopping())
    clearInterval(sweeper)
    setTimeout(() => process.exit(0), GRACE).unref()
    void leave(server, intake).then(() => process.exit(0))
  }
}

/** Stops accepting, lets every upload reach its checkpoint, closes the stores. */
async function leave(server: Server, intake: Intake): Promise<void> {
  const closed = new Promise((resolve) => void server.close(resolve))
  server.closeIdleConnections()
  intake.interrupt()
  await closed
  await intake.settled()
  await intake.stores.ledger.close()
}

function readConfig(): Config {
  const folder = process.cwd()
  const parsed = parseConfig(readDotenv(join(folder, '.env')), process.env, folder)
  if ('config' in parsed) return parsed.config
  for (const bad of parsed.bad) console.error(`[ERROR] ${messages.badValue(bad)}`)
  process.exit(2)
}

function greet(
  { bind, port, host, behindProxy }: Config,
  { shelf, uploads, swept }: Awaited<ReturnType<typeof recover>>,
  log: Log,
  messages: Messages,
): void {
  log.info(messages.started(bind, port, host))
  log.info(messages.shelf(shelf.known))
  if (isLoopback(host) && !behindProxy) log.info(messages.loopback(host, port, otherAddresses()))
  if (shelf.other > 0) log.info(messages.otherNames(shelf.other))
  if (shelf.missing > 0) log.warn(messages.missing(shelf.missing))
  if (uploads.length > 0) log.info(messages.resumed(uploads.length))
  if (swept > 0) log.info(messages.swept(swept))
}

/** What keeps the server from starting, in one line that says what to do. */
function reasonToGiveUp(error: unknown): string {
  const { bind, port, filesDir, tmpDir } = config
  if (error instanceof UnusableFolder) {
    const { trouble } = error
    if (trouble.kind === 'two-file-systems') return messages.twoFileSystems(filesDir, tmpDir)
    if (trouble.kind === 'in-use') return messages.inUse(trouble.directory)
    return messages.notWritable(trouble.key, trouble.directory, trouble.code)
  }
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
