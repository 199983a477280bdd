import { resolve } from 'node:path'
import { parseMd5 } from '../../src/contract.js'
import type { CommandTexts } from './messages.js'
import type { GetOrder, UploadOrder, Wanted } from './order.js'
import type { Session } from './session.js'
import { badUsage } from './usage.js'

/** What `ferry upload` was asked to do. Throws `bad-usage`. */
export function uploadOrder(
  sources: readonly string[],
  { given, order, texts, tools }: Session,
): UploadOrder {
  const inputs = sources.filter((source) => source === '-').length
  if (inputs > 1) throw badUsage(texts.usage.inputTwice)
  if (given.name !== undefined && inputs === 0) throw badUsage(texts.usage.nameWithoutInput)
  return {
    ...order,
    sources,
    concurrency: given.concurrency ?? 4,
    connections: given.connections ?? 'auto',
    hashFirst: given.hashFirst ?? false,
    strict: given.strict ?? false,
    wait: given.wait ?? false,
    limitRate: given.limitRate,
    chunkSize: given.chunkSize,
    dryRun: given.dryRun ?? false,
    include: given.include ?? [],
    exclude: given.exclude ?? [],
    maxSize: given.maxSize,
    hidden: given.hidden ?? false,
    followLinks: given.followLinks ?? false,
    manifest: given.manifest && resolve(tools.folder, given.manifest),
    name: given.name,
    useCache: given.cache ?? true,
  }
}

/** What `ferry get` was asked to do. Throws `bad-usage`. */
export function getOrder(items: readonly string[], { given, order, texts, tools }: Session): GetOrder {
  const inFolder = (path: string) => resolve(tools.folder, path)
  const wanted = items.map((item) => wantedBy(item, texts))
  if (given.all) wanted.push({ kind: 'manifest', path: inFolder(given.all) })
  if (wanted.length === 0) throw badUsage(texts.usage.nothingToGet)
  if (given.output === '-' && (wanted.length > 1 || given.all)) throw badUsage(texts.usage.outputForMany)
  return {
    ...order,
    wanted,
    output: given.output,
    connections: given.connections ?? 'auto',
    force: given.force ?? false,
    limitRate: given.limitRate,
  }
}

function wantedBy(item: string, { usage }: CommandTexts): Wanted {
  const md5 = parseMd5(item)
  if (md5) return { kind: 'md5', md5 }
  if (/^https?:\/\//i.test(item) && URL.canParse(item)) return { kind: 'url', url: item }
  throw badUsage(usage.notAnItem(item))
}
