import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { type Md5, parseMd5 } from '../../src/contract.js'
import { ClientError, isMendedByTime } from '../errors.js'
import { hashFile } from '../hash.js'
import { LocalFile } from '../local-file.js'
import { describe } from '../messages.js'
import { Patience, pause } from '../retry.js'
import { Server } from '../server.js'
import type { Standing } from '../wire.js'
import type { CommandTools, CommonOrder } from './order.js'

/** The MD5 that `item` is, or that the file of this name has. Throws ClientErrors. */
export async function md5Of(item: string, { folder, progress, signal }: CommandTools): Promise<Md5> {
  const md5 = parseMd5(item)
  if (md5) return md5
  const file = await LocalFile.open(resolve(folder, item), item)
  progress.start({ kind: 'hashing', name: file.name, size: file.size }, 0)
  try {
    return await hashFile(file, (bytes) => progress.update(bytes), signal)
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    progress.stop()
    await file.close()
  }
}

/** A server to be asked by a command: it tries again as long as the order says. */
export function askerFor(order: CommonOrder, tools: CommandTools): (md5: Md5) => Promise<Standing> {
  const server = new Server(order.server, tools.signal, order.way)
  return async (md5) => {
    const patience = new Patience(order.retryForMs)
    for (;;) {
      try {
        return await server.check(md5)
      } catch (error) {
        await waitOrThrow(error, patience, order, tools)
      }
    }
  }
}

async function waitOrThrow(
  error: unknown,
  patience: Patience,
  { retryFor }: CommonOrder,
  { console, messages, signal }: CommandTools,
): Promise<void> {
  if (!isMendedByTime(error) || patience.isNone) throw error
  const ms = patience.pauseAfterFailure(error.retryAfterMs)
  if (ms === undefined) throw new ClientError('gave-up', { subject: retryFor }, { cause: error })
  console.warn(messages.tryingAgain(describe(error, messages), (ms / 1000).toFixed(ms < 1000 ? 1 : 0)))
  await pause(ms, signal)
}

/** An MD5 that nobody has: to ask for it disturbs nothing. */
export function unknownMd5(): Md5 {
  return parseMd5(randomBytes(16).toString('hex')) as Md5
}
