import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseMd5 } from '../../src/contract.js'
import { ClientError, type ErrorCode, EXIT_CODES, asClientError } from '../errors.js'
import { describe, messagesIn } from '../messages.js'
import { asDiskError } from './disk.js'
import { makeBelow } from './folder.js'
import { bring } from './get.js'
import { type Equipped, jobOf, withAgents } from './job.js'
import { type Row, readManifest, segmentsOf } from './manifest.js'
import { getMessagesIn } from './messages.js'
import type { GetAllOrder, GetResult, GetTools } from './order.js'

/** @public What became of a manifest. */
export interface GetAllResult {
  done: GetResult[]
  failed: { path: string; problem: ClientError }[]
  /** The gravest of the problems, whose exit code the run deserves; undefined where there are none. */
  worst: ClientError | undefined
}

/** After these the next file would fail the same way, and take its time for it. */
const ENDS_ALL = new Set<ErrorCode>(['gave-up', 'host-unknown', 'interrupted', 'terminated'])

/**
 * @public Gets every file that a manifest names, one after the other, each to its path below the output folder and never
 * outside of it. A file that fails is told, and the next one is got. Throws `file-missing`, `file-unreadable`,
 * `bad-manifest`, `unwritable` before the first file; later only `gave-up`, `host-unknown` and the signal's reason.
 */
export async function getAll(order: GetAllOrder, tools: GetTools): Promise<GetAllResult> {
  const { console, language, signal } = tools
  const texts = getMessagesIn(language)
  const rows = await readManifest(resolve(order.cwd, order.manifest), order.manifest, texts)
  const root = resolve(order.cwd, order.output ?? '.')
  await mkdir(root, { recursive: true }).catch(asDiskError(order.output ?? root))
  const done: GetResult[] = []
  const failed: GetAllResult['failed'] = []
  await withAgents(order, tools, async (wishes) => {
    for (const row of rows) {
      try {
        done.push(await getRow(row, root, wishes, tools))
      } catch (error) {
        const problem = asClientError(error)
        if (signal.aborted || ENDS_ALL.has(problem.code)) throw error
        failed.push({ path: row.path, problem })
        console.warn(texts.failed(row.path, describe(problem, messagesIn(language))))
      }
    }
  })
  const already = done.filter(({ state }) => state === 'already').length
  console.say(texts.summary(done.length - already, already, failed.length))
  return { done, failed, worst: worstOf(failed.map(({ problem }) => problem)) }
}

async function getRow(row: Row, root: string, wishes: Equipped, tools: GetTools): Promise<GetResult> {
  const segments = segmentsOf(row.path, process.platform)
  const job = jobOf(row.url, wishes, tools)
  // Two columns say two things: nobody knows which of them is meant.
  if (row.md5 && parseMd5(row.md5) !== job.source.md5)
    throw new ClientError('bad-source', { subject: row.md5 })
  const folder = await makeBelow(root, segments.slice(0, -1), row.path).catch(asDiskError(row.path))
  return bring(job, { path: join(folder, segments.at(-1) ?? ''), shownAs: row.path })
}

function worstOf(problems: ClientError[]): ClientError | undefined {
  return problems.toSorted((one, other) => EXIT_CODES[other.code] - EXIT_CODES[one.code])[0]
}
