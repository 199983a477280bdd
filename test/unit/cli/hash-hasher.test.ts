import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HashCache } from '#cli/hashing/hash-cache.js'
import { Hasher } from '#cli/hashing/hasher.js'
import { isSettled, snapshotOf } from '#cli/hashing/snapshot.js'
import { LocalFile } from '#cli/local-file.js'

const MIB = 1024 * 1024
let folder: string
let path: string
let cache: HashCache
let hasher: Hasher
let files: LocalFile[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-hasher-'))
  path = join(folder, 'a.bin')
  cache = await HashCache.open(join(folder, 'cache'))
  hasher = new Hasher({ cache })
  files = []
})
afterEach(async () => {
  await hasher.close()
  await cache.close()
  await Promise.all(files.map((file) => file.close()))
  await rm(folder, { recursive: true })
})

describe('Hasher', () => {
  it.each([0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 3])('gives the MD5 of %d bytes', async (size) => {
    const bytes = randomBytes(size)
    await writeFile(path, bytes)
    expect(await hasher.hash(await opened())).toBe(md5Of(bytes))
    const resuming = new Hasher({ cache: HashCache.none(), resumableFrom: 0 })
    expect(await resuming.hash(await opened())).toBe(md5Of(bytes))
    await resuming.close()
  })

  it.each([0, MIB, MIB + 1, 3 * MIB])(
    'gives the SHA-256 of %d bytes, too, and reads them once',
    async (size) => {
      const bytes = randomBytes(size)
      await writeFile(path, bytes)
      await settled()
      const md5 = md5Of(bytes)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      expect(await hasher.digests(await opened())).toEqual({ md5, sha256: undefined })
      expect(await hasher.digests(await opened())).toEqual({ md5 })
      // What is remembered without it has to be read again, once.
      expect(await hasher.digests(await opened(), { withSha256: true })).toEqual({ md5, sha256 })
      await hasher.close()
      expect(await hasher.digests(await opened(), { withSha256: true })).toEqual({ md5, sha256 })
      expect(await hasher.hash(await opened())).toBe(md5)
      const resuming = new Hasher({ cache: HashCache.none(), resumableFrom: 0 })
      expect(await resuming.digests(await opened(), { withSha256: true })).toEqual({ md5, sha256 })
      await resuming.close()
    },
  )

  it('hashes hundreds of small files and some big ones at once, each as its own', async () => {
    const all = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const bytes = randomBytes(index % 100 === 7 ? 3 * MIB : index * 37)
        await writeFile(join(folder, `${index}`), bytes)
        return { file: await opened(join(folder, `${index}`)), md5: md5Of(bytes) }
      }),
    )
    const hashed = await Promise.all(all.map(({ file }) => hasher.hash(file)))
    expect(hashed).toEqual(all.map(({ md5 }) => md5))
  })

  it('takes one signal for many files without a warning', async () => {
    await writeFile(path, 'one')
    const warnings: Error[] = []
    const warned = (warning: Error) => warnings.push(warning)
    process.on('warning', warned)
    const file = await opened()
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 50 }, () => hasher.hash(file, { signal })))
    process.off('warning', warned)
    expect(warnings).toEqual([])
  })

  it('tells how far it is', async () => {
    await sparse(200 * MIB)
    const seen: number[] = []
    await hasher.hash(await opened(), { onProgress: (done) => seen.push(done) })
    expect(seen.length).toBeGreaterThan(1)
    expect(seen.at(-1)).toBe(200 * MIB)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  it('does not read again what it knows, until it changes', async () => {
    await writeFile(path, 'one')
    await settled()
    const seen: number[] = []
    const hash = async () => hasher.hash(await opened(), { onProgress: (done) => seen.push(done) })
    expect(await hash()).toBe(md5Of('one'))
    expect(await hash()).toBe(md5Of('one'))
    expect(seen).toEqual([3])
    const { mtime } = await stat(path)
    await writeFile(path, 'two')
    await utimes(path, mtime, mtime) // as if it were the same
    expect(await hash()).toBe(md5Of('two'))
  })

  it('keeps no MD5 of a file so young that a change could go unseen', async () => {
    await writeFile(path, 'one')
    const soon = Date.now() / 1000 + 60
    await utimes(path, soon, soon)
    const file = await opened()
    await hasher.hash(file)
    expect(cache.find(path, file.snapshot)).toBeUndefined()
  })

  it('lets the process end, be it closed or not', async () => {
    await writeFile(path, 'one')
    const child = anotherProcess(`console.log(await hasher.hash(file))`)
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).toBe(0)
  })
})

describe('a file that changes while it is hashed', () => {
  it.each([
    ['touched', () => utimes(path, 1, 1)],
    ['longer', () => writeFile(path, 'x', { flag: 'a' })],
    ['shorter', () => truncate(path, MIB)],
    ['deleted', () => unlink(path)],
    ['replaced', () => rename(path, `${path}.old`).then(() => sparse(300 * MIB))],
  ])('is noticed if it is %s, and not remembered', async (_how, change) => {
    await sparse(300 * MIB)
    const file = await opened()
    let changing: Promise<void> | undefined
    const hashing = hasher.hash(file, { onProgress: () => void (changing ??= change()) })
    await expect(hashing).rejects.toMatchObject({ code: 'file-changed', facts: { subject: 'shown' } })
    await changing
    expect(cache.find(path, file.snapshot)).toBeUndefined()
  })

  it('is not remembered if only its ctime tells', async () => {
    await sparse(300 * MIB)
    await settled()
    const file = await opened()
    let changing: Promise<void> | undefined
    await hasher.hash(file, { onProgress: () => void (changing ??= chmod(path, 0o600)) })
    await changing
    expect(cache.find(path, file.snapshot)).toBeUndefined()
    expect(cache.find(path, (await opened()).snapshot)).toBeUndefined()
  })

  it.each([
    ['another file', 'file-changed', () => writeFile(path, 'b')],
    ['nothing', 'file-changed', () => Promise.resolve()],
    ['a folder', 'file-changed', () => mkdir(path)],
    ['a pipe', 'file-changed', () => Promise.resolve(void execFileSync('mkfifo', [path]))],
    ['a link to itself', 'file-unreadable', () => symlink(path, path)],
  ])('is not hashed when %s has taken its place', async (_what, code, replace) => {
    for (const size of [1, 2 * MIB]) {
      await sparse(size)
      const file = await opened()
      await rm(path)
      await replace()
      await expect(hasher.hash(file)).rejects.toMatchObject({ code })
      await rm(path, { recursive: true, force: true })
    }
  })
})

describe('an interrupted hashing', () => {
  it('ends with the reason at once, and goes on where it was', async () => {
    const md5 = await bigFile(300)
    const before = new Hasher({ cache, resumableFrom: 0 })
    const controller = new AbortController()
    const reason = new Error('enough')
    const hashing = before.hash(await opened(), {
      onProgress: (done) => done > 150 * MIB && controller.abort(reason),
      signal: controller.signal,
    })
    await expect(hashing).rejects.toBe(reason)
    await before.close()
    await cache.close()

    cache = await HashCache.open(join(folder, 'cache'))
    const after = new Hasher({ cache, resumableFrom: 0 })
    const file = await opened()
    const saved = cache.findPartial(path, file.snapshot)?.hashedTo
    expect(saved).toBeGreaterThan(150 * MIB)
    const seen: number[] = []
    expect(await after.hash(file, { onProgress: (done) => seen.push(done) })).toBe(md5)
    expect(seen[0]).toBe(saved)
    await after.close()
  })

  it('is put aside when the hasher is closed', async () => {
    await bigFile(300)
    const closing = new Hasher({ cache, resumableFrom: 0, threads: 1 })
    const file = await opened()
    let start!: () => void
    const started = new Promise<void>((resolve) => (start = resolve))
    const first = closing.hash(file, { onProgress: () => start() })
    const waiting = closing.hash(file)
    const both = Promise.allSettled([first, waiting])
    await started
    await closing.close()
    for (const outcome of await both) expect(outcome).toMatchObject({ reason: { name: 'AbortError' } })
    expect(cache.findPartial(path, file.snapshot)?.hashedTo).toBeGreaterThan(0)
  })

  it('is not begun when its signal has gone off, and one that waits leaves the queue', async () => {
    await sparse(200 * MIB)
    const busy = new Hasher({ cache: HashCache.none(), threads: 1 })
    const running = busy.hash(await opened())
    const controller = new AbortController()
    const waiting = busy.hash(await opened(), { signal: controller.signal })
    controller.abort(new Error('no more'))
    await expect(waiting).rejects.toThrow('no more')
    await expect(busy.hash(await opened(), { signal: controller.signal })).rejects.toThrow('no more')
    await running
    await busy.close()
  })

  it('starts over when the file has changed since', async () => {
    await bigFile(8)
    const file = await opened()
    cache.keepPartial(path, 'another stamp', { hashedTo: 4 * MIB, state: new Uint8Array(156) })
    const resuming = new Hasher({ cache, resumableFrom: 0 })
    const seen: number[] = []
    await resuming.hash(file, { onProgress: (done) => seen.push(done) })
    expect(seen).not.toContain(4 * MIB)
    await resuming.close()
  })

  it.runIf(process.platform === 'linux')('by SIGKILL costs only what was not saved yet', async () => {
    const md5 = await bigFile(700)
    const child = anotherProcess(`await hasher.hash(file)`)
    const snapshot = (await opened()).snapshot
    while (cache.findPartial(path, snapshot) === undefined) await sleep(5)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const saved = cache.findPartial(path, snapshot)!.hashedTo
    expect(saved).toBeGreaterThanOrEqual(16 * MIB)

    const next = anotherProcess(`
      console.log(await hasher.hash(file))
      console.log(/rchar: (\\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1])`)
    let output = ''
    next.stdout.on('data', (text) => (output += String(text)))
    await once(next, 'close')
    const [hashed, read] = output.trim().split('\n')
    expect(hashed).toBe(md5)
    expect(Number(read)).toBeLessThan(700 * MIB - saved + 12 * MIB) // the modules and the cache are read, too
  })
})

describe('a hashing thread that breaks down', () => {
  it.each([
    ['throws', `throw new Error('boom')`, /boom/],
    ['ends', `process.exit(3)`, /3/],
  ])('and %s is an error for the file, and the next file gets a new thread', async (_how, act, reason) => {
    const script = join(folder, 'worker.mjs')
    await writeFile(
      script,
      `import { parentPort } from 'node:worker_threads'
       parentPort.on('message', () => { ${act} })`,
    )
    await writeFile(path, 'one')
    const broken = new Hasher({ cache, script: pathToFileURL(script), threads: 1 })
    for (let attempt = 0; attempt < 2; attempt++) {
      const both = [broken.hash(await opened()), broken.hash(await opened())]
      for (const outcome of await Promise.allSettled(both)) {
        expect(outcome).toMatchObject({ reason: { code: 'unexpected', facts: { subject: 'shown' } } })
        expect((outcome as PromiseRejectedResult).reason.facts.reason).toMatch(reason)
      }
    }
    await broken.close()
  })
})

async function opened(at = path): Promise<LocalFile> {
  const file = await LocalFile.open(at, 'shown')
  files.push(file)
  return file
}

function md5Of(bytes: Buffer | string): string {
  return createHash('md5').update(bytes).digest('hex')
}

async function sparse(size: number): Promise<void> {
  await writeFile(path, '')
  await truncate(path, size)
}

/** Every MiB differs, so that bytes hashed twice or not at all show. Settled. */
async function bigFile(mebibytes: number): Promise<string> {
  const hash = createHash('md5')
  const piece = randomBytes(MIB)
  const file = await open(path, 'w')
  for (let index = 0; index < mebibytes; index++) {
    piece.writeUInt32LE(index)
    hash.update(piece)
    await file.write(piece)
  }
  await file.close()
  await settled()
  return hash.digest('hex')
}

async function settled(): Promise<void> {
  while (!isSettled(snapshotOf(await stat(path, { bigint: true })), Date.now())) await sleep(10)
}

/** Another process that hashes the file. It does not close the hasher. */
function anotherProcess(code: string) {
  const dist = new URL('../../../dist/cli/', import.meta.url).href
  const whole = `
    import { readFileSync } from 'node:fs'
    import { HashCache } from '${dist}hashing/hash-cache.js'
    import { Hasher } from '${dist}hashing/hasher.js'
    import { LocalFile } from '${dist}local-file.js'
    const cache = await HashCache.open(${JSON.stringify(join(folder, 'cache'))})
    const hasher = new Hasher({ cache, resumableFrom: 0, saveEvery: ${16 * MIB} })
    const file = await LocalFile.open(${JSON.stringify(path)}, 'shown')
    ${code}
    await file.close()`
  return spawn(process.execPath, ['--input-type=module', '-e', whole], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
