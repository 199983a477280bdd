import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { Line } from '../../test/support/proxy.js'
import { pause, TestServer } from '../../test/support/server.js'
import { measure, type Measured } from './measure.js'
import { FERRY, HASHING, UPPY } from './pages.js'

/** What is measured with one file. */
export interface Pair {
  /** The file is new to the server. */
  ferry: Measured
  uppy: Measured
  /** The file is known. `up`: bytes that went up, heads and all. */
  known: Measured & { up: number }
  /** Its MD5, and nothing else. */
  hashing: Measured
}

export interface Bench {
  /** Where the stock pages are. */
  site: string
  /** Folder for the servers' folders. */
  stores: string
  /** The file, which no server has seen, and its MD5. */
  file: string
  md5: string
}

/** Whoever goes second finds another machine than who goes first, so they take turns: `isOdd` puts Ferry first. */
export async function measurePair(bench: Bench, isOdd: boolean): Promise<Pair> {
  const server = await startServer(bench)
  try {
    const ferry = async () => {
      const measured = await measure(FERRY, `${server.url}/`, bench.file)
      await settled(server, bench.md5)
      return measured
    }
    const [one, other] = await inTurn(isOdd, ferry, () => measureUppy(bench))
    const hashing = () => measure(HASHING, `${bench.site}/hashing/`, bench.file)
    const [known, alone] = await inTurn(isOdd, () => measureKnown(server, bench), hashing)
    return { ferry: one, uppy: other, known, hashing: alone }
  } finally {
    await server.stop()
  }
}

/** After its answer the server reads the file once more, for its SHA-256; the next one shall find a machine at rest. */
async function settled(server: TestServer, md5: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const standing = (await (await fetch(`${server.url}/check?md5=${md5}`)).json()) as { sha256?: string }
    if (standing.sha256) return
    await pause(100)
  }
  throw new Error('the server has no SHA-256 of the file after a minute')
}

async function measureUppy(bench: Bench): Promise<Measured> {
  const server = await startServer(bench)
  try {
    const endpoint = encodeURIComponent(`${server.url}/tus`)
    return await measure(UPPY, `${bench.site}/stock/?endpoint=${endpoint}`, bench.file)
  } finally {
    await server.stop()
  }
}

async function measureKnown(server: TestServer, { file }: Bench): Promise<Pair['known']> {
  const line = await Line.to(server.port)
  try {
    return { ...(await measure(FERRY, `http://${line.address}/`, file)), up: line.up }
  } finally {
    await line.close()
  }
}

/** The results in the order of the arguments, whichever was first. */
async function inTurn<A, B>(isFirst: boolean, a: () => Promise<A>, b: () => Promise<B>): Promise<[A, B]> {
  if (isFirst) return [await a(), await b()]
  const last = await b()
  return [await a(), last]
}

async function startServer({ stores }: Bench): Promise<TestServer> {
  return TestServer.start({ dir: await mkdtemp(join(stores, 'server-')), env: { ALLOWED_ORIGINS: '*' } })
}
