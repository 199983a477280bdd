import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { collect } from '../collect/collect.js'
import type { FoundFile } from '../collect/found.js'
import { Manifest } from '../collect/manifest.js'
import type { CommandTools, UploadOrder } from '../commands/order.js'
import { ClientError, asClientError } from '../errors.js'
import { HashCache } from '../hashing/hash-cache.js'
import { Hasher } from '../hashing/hasher.js'
import { LocalFile } from '../local-file.js'
import type { Progress } from '../progress.js'
import { formatBytes } from '../speed.js'
import { BarsView } from './bars-view.js'
import { Courier, type Looked } from './courier.js'
import { Flow } from './flow.js'
import { Lanes } from './lanes.js'
import { LinesView } from './lines-view.js'
import { ProgressEvents } from './progress-events.js'
import { Report, type Sent } from './report.js'
import type { View } from './view.js'

/** From this size on a file has a slot for itself, in bytes. */
const BIG = 8 * 1024 * 1024

/**
 * `ferry upload`: brings everything that was named to the server; returns the exit code. What is wrong with one file does
 * not keep the others. Throws ClientErrors that concern all of them, and the signal's reason.
 */
export async function uploadAll(order: UploadOrder, tools: CommandTools): Promise<number> {
  const cache = order.useCache ? await HashCache.open(tools.cacheFolder) : HashCache.none()
  const hasher = new Hasher({ cache })
  const manifest =
    order.manifest === undefined || order.dryRun ? undefined : await openManifest(order.manifest)
  const isMany = await namesMany(order.sources, tools.folder)
  const view = createView(order, tools, isMany)
  const { results, messages, stdout } = tools
  const isWatched = stdout.isTTY && isMany
  const report = new Report({ results, view, messages, manifest, isJson: order.isJson, isWatched })
  try {
    const flow = await Flow.open(tools.stateFolder, order.server, order)
    const warn = (line: string): void => view.console.warn(line)
    const console = isMany ? { say: () => undefined, warn } : view.console
    const courier = new Courier({ ...order, ...tools, hasher, cache, flow, console })
    await new Sending(order, tools, courier, report, view, isMany).run()
    return report.end(isMany)
  } catch (error) {
    report.brokenOff(asClientError(error))
    throw error
  } finally {
    view.stop()
    await hasher.close()
    await cache.close()
    await manifest?.finish().catch((error: unknown) => {
      throw unwritable(order.manifest!, error)
    })
  }
}

class Sending {
  constructor(
    readonly order: UploadOrder,
    readonly tools: CommandTools,
    readonly courier: Courier,
    readonly report: Report,
    readonly view: View,
    readonly isMany: boolean,
  ) {}

  async run(): Promise<void> {
    const { order, tools } = this
    const lanes = new Lanes<FoundFile>({
      concurrency: order.concurrency,
      isBig: ({ size }) => size > BIG,
      act: (found) => this.#bring(found),
    })
    await lanes.run(this.#files())
    if (order.sources.includes('-')) await this.#pipe()
    if (tools.signal.aborted) throw tools.signal.reason
  }

  async *#files(): AsyncGenerator<FoundFile> {
    const { order, tools, report, view } = this
    const { include, exclude, hidden, followLinks } = order
    const links = followLinks ? ('follow' as const) : ('skip' as const)
    const wish = { from: tools.folder, include, exclude, hidden, links, maxSize: order.maxSize ?? Infinity }
    const named = order.sources.filter((source) => source !== '-')
    let count = 0 // of what was found or complained about
    for await (const found of collect(named, wish)) {
      if (tools.signal.aborted) throw tools.signal.reason
      if (found.kind === 'skipped') report.skipped(found)
      if (found.kind !== 'skipped') count++
      if (found.kind === 'problem') report.failed(found.error.facts.subject ?? '', found.error)
      if (found.kind !== 'file') continue
      view.found(found.size)
      yield found
    }
    view.complete()
    if (count === 0 && named.length > 0) view.console.warn(tools.messages.upload.nothing)
  }

  async #bring(found: FoundFile): Promise<void> {
    const { courier, report, order } = this
    const { progress, end } = this.#watch(found)
    try {
      const file = await LocalFile.open(found.path, found.shownAs)
      try {
        if (order.dryRun) await this.#look(found, file, progress)
        else await report.delivered({ ...found, size: file.size }, await courier.bring(file, progress))
      } finally {
        await file.close()
      }
    } catch (error) {
      this.#failed(found.shownAs, error)
    } finally {
      end()
    }
  }

  async #pipe(): Promise<void> {
    const { order, tools, courier, report } = this
    const name = order.name ?? 'stdin'
    const shownAs = tools.messages.upload.reading
    this.view.found(0)
    const { progress, end } = this.#watch({ shownAs, size: 0 })
    try {
      if (order.dryRun)
        return this.#looked({ relative: name, shownAs, ...(await courier.lookAtPipe(tools.stdin)) })
      const { size, ...delivered } = await courier.pipe(tools.stdin, name, progress)
      await report.delivered({ relative: name, shownAs, size }, delivered)
    } catch (error) {
      this.#failed(shownAs, error)
    } finally {
      end()
    }
  }

  async #look(found: FoundFile, file: LocalFile, progress: Progress): Promise<void> {
    this.#looked({ ...found, size: file.size, ...(await this.courier.look(file, progress)) })
  }

  #looked({ relative, shownAs, size, status, md5, url }: Sent & Looked): void {
    const { wouldSend, isKnown, isArriving } = this.tools.messages.upload
    const lines = {
      exists: isKnown(shownAs, url ?? ''),
      notfound: wouldSend(shownAs, formatBytes(size)),
      uploading: isArriving(shownAs),
    }
    this.report.looked(lines[status], { path: relative, size, md5, status, ...(url && { url }) })
  }

  /** Among many, the view shows a file; one alone has the terminal for itself, and only programs ask the view. */
  #watch({ shownAs, size }: Pick<FoundFile, 'shownAs' | 'size'>): { progress: Progress; end: () => void } {
    const { progress, end } = this.view.begin(shownAs, size)
    return { progress: this.isMany ? progress : both(this.tools.progress, progress), end }
  }

  /** The others go on, unless the user wants to leave, or nobody would fare any better. */
  #failed(shownAs: string, thrown: unknown): void {
    const { signal } = this.tools
    if (signal.aborted) throw signal.reason
    const error = asClientError(thrown)
    if (FOR_ALL.has(error.code) || isOutOfReach(error)) throw error
    this.report.failed(shownAs, error)
  }
}

function both(one: Progress, other: Progress): Progress {
  return {
    start: (step, done) => [one, other].forEach((each) => each.start(step, done)),
    update: (done) => [one, other].forEach((each) => each.update(done)),
    stop: () => [one, other].forEach((each) => each.stop()),
  }
}

/** What is wrong with the server, or the way to it, and so for every file. */
const FOR_ALL = new Set<ClientError['code']>([
  'gave-up',
  'host-unknown',
  'not-ferry',
  'redirected',
  'untrusted',
  'not-allowed',
  'proxy-refuses',
])

/** Nothing was heard of the server for all the time that it was given: no other file would fare better. */
function isOutOfReach({ code, cause }: ClientError): boolean {
  return code === 'gave-up' && cause instanceof ClientError && cause.code === 'line-down'
}

/** Whether there may be more than one file. */
async function namesMany(sources: readonly string[], folder: string): Promise<boolean> {
  const [only, ...more] = sources
  if (more.length > 0 || only === undefined) return true
  if (only === '-') return false
  const found = await stat(resolve(folder, only)).catch(() => undefined)
  return !found?.isFile()
}

function createView({ isJson }: UploadOrder, tools: CommandTools, isMany: boolean): View {
  const { messages, stdout, stderr, console, isQuiet, showsProgress } = tools
  const onTerminal = stderr.isTTY && showsProgress && !(isJson && stdout.isTTY)
  const events = isJson && showsProgress ? new ProgressEvents(tools.results) : undefined
  if (isMany && onTerminal) return new BarsView(messages, stderr, stdout.isTTY, events)
  return new LinesView(console, messages, !isMany || isQuiet || !showsProgress, events)
}

function openManifest(path: string): Promise<Manifest> {
  return Manifest.open(path).catch((error: unknown) => {
    throw unwritable(path, error)
  })
}

function unwritable(path: string, cause: unknown): ClientError {
  const { code } = cause as { code?: string }
  return new ClientError(
    'unwritable',
    { subject: path, ...(code !== undefined && { reason: code }) },
    { cause },
  )
}
