import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { type Md5, parseMd5 } from '../../src/contract.js'
import { Attempts } from '../attempts.js'
import { digestsWithProgress } from '../hash.js'
import type { Digests } from '../hashing/digests.js'
import { LocalFile } from '../local-file.js'
import { Server } from '../server.js'
import type { Standing } from '../wire.js'
import type { CommandTools, CommonOrder } from './order.js'

/** The MD5 that `item` is, or that the file of this name has. Throws ClientErrors. */
export async function md5Of(item: string, tools: CommandTools): Promise<Md5> {
  return parseMd5(item) ?? (await digestsOf(item, tools, false)).md5
}

/** What the file of this name is known by. Throws ClientErrors. */
export async function digestsOf(
  item: string,
  { folder, progress, signal }: CommandTools,
  withSha256: boolean,
): Promise<Digests> {
  const file = await LocalFile.open(resolve(folder, item), item)
  try {
    return await digestsWithProgress(file, progress, signal, withSha256)
  } finally {
    await file.close()
  }
}

/** A server to be asked by a command: it tries again as long as the order says. `expires`: in seconds, of a signed link. */
export function askerFor(
  { server: base, way, retryForMs, retryFor }: CommonOrder,
  { console, messages, signal }: CommandTools,
): (digests: Digests, expires?: number) => Promise<Standing> {
  const server = new Server(base, signal, way)
  const warn = (line: string): void => console.warn(line)
  return (digests, expires) =>
    new Attempts({ retryForMs, retryFor, warn, messages, signal }).until(() =>
      expires === undefined ? server.look(digests) : server.checkSigned(digests.md5, expires),
    )
}

/** An MD5 that nobody has: to ask for it disturbs nothing. */
export function unknownMd5(): Md5 {
  return parseMd5(randomBytes(16).toString('hex')) as Md5
}
