import type { Server } from 'node:http'
import { createApp } from './app.js'
import type { Config } from './config.js'
import { createGuards } from './http/guard/guards.js'
import { Signer } from './http/guard/signer.js'
import { createLinks } from './http/links.js'
import { Intake } from './intake/intake.js'
import { isLoopback, listen, otherAddresses } from './listen.js'
import type { Log } from './log.js'
import type { Messages } from './messages.js'
import { Metrics } from './metrics.js'
import { recover, type Recovered } from './store/recover.js'
import { Scrub, type ScrubReport } from './store/scrub.js'
import { sweepRows } from './store/sweep.js'
import { openStores } from './stores.js'

/** Idle uploads and old rows are looked for once a lease, and this often in the life of an idle upload, but at most once a second. */
const SWEEPS_PER_LIFE = 24

/** What the server says to its operator. */
interface Voice {
  log: Log
  messages: Messages
}

/** A server that listens. `stop` lets every upload reach its checkpoint and closes the stores. */
export interface Service {
  stop(): Promise<void>
}

/**
 * Open stores -> recover -> listen. `page`: the folder with the built page. Rejects with UnusableFolder, or with the
 * system's error where it can't listen.
 */
export async function serve(config: Config, voice: Voice, page: string): Promise<Service> {
  const { log, messages } = voice
  const { torn, close, ...stores } = await openStores(config)
  if (torn) log.warn(messages.torn(torn))
  const metrics = new Metrics()
  const intake = new Intake(stores, config, metrics, (content) => {
    const { file, size, filename } = content
    log.info(messages.stored(file, size, filename), { file, size, filename })
    stores.fingerprints.stored(content)
  })
  metrics.watch(intake)
  const recovered = await recover(stores.shelf, stores.ledger, stores.inbox)
  await intake.resume(recovered.uploads)
  await sweep(intake, config, metrics, voice)

  const signer = Signer.of(config.downloadTokens)
  const links = createLinks(config, signer)
  const guards = createGuards(config, signer)
  const app = createApp({ intake, shelf: stores.shelf, links, guards, metrics, page, ...voice })
  const server = await listen(app, config, (code) => metrics.failed(code))
  greet(config, recovered, voice)
  const free = await stores.inbox.free()
  if (free < config.minFree) log.warn(messages.nearlyFull(free, config.minFree))

  const pause = Math.min(config.leaseSeconds * 1000, (config.ttlHours * 3_600_000) / SWEEPS_PER_LIFE)
  const sweeper = setInterval(() => void sweep(intake, config, metrics, voice), Math.max(1000, pause))
  const scrub = startScrub(intake, config, metrics, voice)
  stores.fingerprints.start((error) => log.error(messages.failed('sha256', String(error)), error))
  return {
    async stop() {
      clearInterval(sweeper)
      await Promise.all([leave(server, intake), scrub.stop()])
      await close()
    },
  }
}

/** Stops accepting, and lets every upload reach its checkpoint. */
async function leave(server: Server, intake: Intake): Promise<void> {
  const closed = new Promise((resolve) => void server.close(resolve))
  intake.interrupt()
  // A connection is idle only when the answer that it waits for has been given.
  const closing = setInterval(() => server.closeIdleConnections(), 20)
  await closed
  clearInterval(closing)
  await intake.settled()
}

async function sweep(
  intake: Intake,
  { ttlHours }: Config,
  metrics: Metrics,
  { log, messages }: Voice,
): Promise<void> {
  try {
    metrics.swept()
    const expired = await intake.expire()
    await sweepRows(intake.stores.ledger, ttlHours)
    if (expired > 0) log.info(messages.expired(expired))
  } catch (error) {
    log.error(messages.failed('sweep', String(error)), error)
  }
}

function startScrub(
  { stores: { shelf, ledger } }: Intake,
  { scrubDays }: Config,
  metrics: Metrics,
  { log, messages }: Voice,
): Scrub {
  const report = ({ file, bytes, flaw }: ScrubReport): void => {
    metrics.scrubbed(flaw?.kind ?? 'fine', bytes)
    if (flaw?.kind === 'wrong-content') log.error(messages.wrong(file, flaw.detail, flaw.mended))
    else if (flaw?.kind === 'unreadable') log.error(messages.unreadable(file, flaw.detail))
  }
  const complain = (error: unknown): void => log.error(messages.failed('scrub', String(error)), error)
  const scrub = new Scrub(shelf, ledger, scrubDays, report, complain)
  scrub.start()
  return scrub
}

function greet(
  { bind, port, host, behindProxy, uploadTokens }: Config,
  { shelf, uploads, swept }: Recovered,
  { log, messages }: Voice,
): void {
  log.info(messages.started(bind, port, host))
  log.info(messages.shelf(shelf.known))
  if (uploadTokens.length === 0) log.info(messages.openToAll())
  if (isLoopback(host) && !behindProxy) log.info(messages.loopback(host, port, otherAddresses()))
  if (shelf.other > 0) log.info(messages.otherNames(shelf.other))
  if (shelf.missing > 0) log.warn(messages.missing(shelf.missing))
  if (uploads.length > 0) log.info(messages.resumed(uploads.length))
  if (swept > 0) log.info(messages.swept(swept))
}
