import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { type Md5, parseMd5 } from '../../src/contract.js'
import { Attempts } from '../attempts.js'
import { hashWithProgress } from '../hash.js'
import { LocalFile } from '../local-file.js'
import { Server } from '../server.js'
import type { Standing } from '../wire.js'
import type { CommandTools, CommonOrder } from './order.js'

/** The MD5 that `item` is, or that the file of this name has. Throws ClientErrors. */
export async function md5Of(item: string, { folder, progress, signal }: CommandTools): Promise<Md5> {
  const md5 = parseMd5(item)
  if (md5) return md5
  const file = await LocalFile.open(resolve(folder, item), item)
  try {
    return await hashWithProgress(file, progress, signal)
  } finally {
    await file.close()
  }
}

/** A server to be asked by a command: it tries again as long as the order says. `expires`: in seconds, of a signed link. */
export function askerFor(
  { server: base, way, retryForMs, retryFor }: CommonOrder,
  { console, messages, signal }: CommandTools,
): (md5: Md5, expires?: number) => Promise<Standing> {
  const server = new Server(base, signal, way)
  const warn = (line: string): void => console.warn(line)
  return (md5, expires) =>
    new Attempts({ retryForMs, retryFor, warn, messages, signal }).until(() =>
      expires === undefined ? server.check(md5) : server.checkSigned(md5, expires),
    )
}

/** An MD5 that nobody has: to ask for it disturbs nothing. */
export function unknownMd5(): Md5 {
  return parseMd5(randomBytes(16).toString('hex')) as Md5
}
