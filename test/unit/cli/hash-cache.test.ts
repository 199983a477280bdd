import Database from 'libsql'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cacheFolder } from '#cli/hashing/cache-folder.js'
import { rowsOf } from '#cli/hashing/cache-rows.js'
import { HashCache } from '#cli/hashing/hash-cache.js'
import { type Snapshot, isSettled, stampOf } from '#cli/hashing/snapshot.js'
import type { Md5, Sha256 } from '#src/contract.js'

const md5 = 'd41d8cd98f00b204e9800998ecf8427e' as Md5
const snapshot: Snapshot = { dev: 1n, ino: 2n, size: 3n, mtimeNs: 4n, ctimeNs: 5n }
const stamp = stampOf(snapshot)
let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-cache-'))
  file = join(folder, 'hashes.db')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('cacheFolder', () => {
  it.each([
    ['linux', {}, '/home/u/.cache/ferry'],
    ['linux', { XDG_CACHE_HOME: '/c' }, '/c/ferry'],
    ['darwin', {}, '/home/u/Library/Caches/ferry'],
    ['win32', { LOCALAPPDATA: '/local' }, '/local/ferry/cache'],
    ['win32', {}, '/home/u/AppData/Local/ferry/cache'],
    ['linux', { FERRY_CACHE_DIR: '/mine', XDG_CACHE_HOME: '/c' }, '/mine'],
  ])('on %s with %j is %s', (platform, env, path) => {
    expect(cacheFolder(env, platform, '/home/u')).toBe(join(path))
  })
})

describe('isSettled', () => {
  const at = (mtimeNs: bigint, ctimeNs = mtimeNs) => ({ ...snapshot, mtimeNs, ctimeNs })
  const second = 1_000_000_000n
  it.each([
    ['a fine time 99 ms ago', at(9_901_000_001n), false],
    ['a fine time 101 ms ago', at(9_899_000_001n), true],
    ['a whole second 1 s ago', at(9n * second), false],
    ['a whole second 2 s ago', at(8n * second), true],
    ['an old mtime that was set just now', at(second + 1n, 9_990_000_001n), false],
    ['a time to come', at(11n * second + 1n, 1n), false],
  ])('judges %s', (_name, snapshot, verdict) => {
    expect(isSettled(snapshot, 10_000)).toBe(verdict)
  })
})

describe('HashCache', () => {
  it('keeps the SHA-256, too, where that was computed', async () => {
    const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' as Sha256
    const first = await HashCache.open(folder)
    first.keep('/a', stamp, md5, sha256)
    first.keep('/b', stamp, md5)
    expect(first.digests('/a', snapshot)).toMatchObject({ md5, sha256 })
    await first.close()
    const second = await HashCache.open(folder)
    expect(second.digests('/a', snapshot)).toEqual({ md5, sha256 })
    expect(second.digests('/b', snapshot)).toEqual({ md5, sha256: undefined })
    await second.close()
  })

  it('finds in a later run what it has kept, and in the same one at once', async () => {
    const first = await HashCache.open(folder)
    first.keep('/a', stamp, md5)
    first.keepPartial('/b', stamp, { hashedTo: 7, state: Uint8Array.of(1, 2, 3) })
    expect(first.find('/a', snapshot)).toBe(md5)
    expect(first.findPartial('/b', snapshot)).toMatchObject({ hashedTo: 7 })
    await first.close()
    const second = await HashCache.open(folder)
    expect(second.find('/a', snapshot)).toBe(md5)
    expect(second.findPartial('/b', snapshot)).toEqual({ hashedTo: 7, state: Uint8Array.of(1, 2, 3) })
    await second.close()
  })

  it.each([
    ['path', '/b', {}],
    ['size', '/a', { size: 4n }],
    ['mtime, by a nanosecond', '/a', { mtimeNs: 5n }],
    ['ctime', '/a', { ctimeNs: 6n }],
    ['inode', '/a', { ino: 3n }],
  ])('does not find a file of another %s', async (_what, path, change) => {
    const cache = await HashCache.open(folder)
    cache.keep('/a', stamp, md5)
    cache.keepPartial('/p/a', stamp, { hashedTo: 7, state: Uint8Array.of(1) })
    const other = { ...snapshot, ...change }
    expect(cache.find(path, other)).toBeUndefined()
    await cache.close()
    const later = await HashCache.open(folder)
    expect(later.find('/a', snapshot)).toBe(md5)
    expect(later.find(path, other)).toBeUndefined()
    expect(later.findPartial(`/p${path}`, other)).toBeUndefined()
    await later.close()
  })

  it('forgets how far a file was when it knows its MD5', async () => {
    const cache = await HashCache.open(folder)
    cache.keepPartial('/a', stamp, { hashedTo: 7, state: Uint8Array.of(1) })
    cache.keep('/a', stamp, md5)
    await cache.close()
    const later = await HashCache.open(folder)
    expect(later.findPartial('/a', snapshot)).toBeUndefined()
    await later.close()
  })

  it('has a form that keeps nothing', async () => {
    const cache = HashCache.none()
    cache.keep('/a', stamp, md5)
    expect(cache.find('/a', snapshot)).toBeUndefined()
    await cache.close()
  })

  it.each(['files', 'partials'])('believes no row of %s that was torn', async (table) => {
    await keepOne()
    const column = table === 'files' ? 'md5' : 'hashed_to'
    const db = new Database(file)
    db.exec(`UPDATE ${table} SET ${column}=replace(${column}, '9', '8')`)
    db.close()
    const cache = await HashCache.open(folder)
    const found = table === 'files' ? cache.find('/a', snapshot) : cache.findPartial('/b', snapshot)
    expect(found).toBeUndefined()
    await cache.close()
  })
})

describe('a broken cache', () => {
  it.each([
    ['is garbage', () => writeFile(file, randomBytes(20_000))],
    ['is cut short', () => truncate(file, 5000)],
    ['has nothing but its head', () => truncate(file, 100)],
    ['has garbage inside', () => scribble(4096)],
    ['is of a newer version', () => execute('PRAGMA user_version=77')],
    ['lacks a table', () => execute('DROP TABLE partials')],
    ['has a log of garbage', () => writeFile(`${file}-wal`, randomBytes(20_000))],
  ])('that %s is begun anew, without a word', async (_what, damage) => {
    await keepOne()
    await damage()
    for (let run = 0; run < 2; run++) {
      const cache = await HashCache.open(folder)
      expect([md5, undefined]).toContain(cache.find('/a', snapshot))
      cache.keep('/a', stamp, md5)
      await cache.close()
    }
    const later = await HashCache.open(folder)
    expect(later.find('/a', snapshot)).toBe(md5)
    await later.close()
    expect((await readdir(folder)).filter((name) => !name.startsWith('hashes.db'))).toEqual([])
  })

  it.each([
    ['folder is a file', 'x', () => writeFile(join(folder, 'x'), '')],
    ['file is a folder', 'y', () => mkdir(join(folder, 'y', 'hashes.db', 'z'), { recursive: true })],
  ])('whose %s is like none', async (_what, name, make) => {
    await make()
    const cache = await HashCache.open(join(folder, name))
    cache.keep('/a', stamp, md5)
    expect(cache.find('/a', snapshot)).toBeUndefined()
    await cache.close()
  })

  it('leaves a process alone that still has the old one open', async () => {
    await keepOne()
    const old = await HashCache.open(folder)
    expect(old.find('/a', snapshot)).toBe(md5)
    await execute('PRAGMA user_version=77')
    const fresh = await HashCache.open(folder)
    fresh.keep('/f', stamp, md5)
    old.keep('/o', stamp, md5)
    await old.close()
    await fresh.close()
    const later = await HashCache.open(folder)
    expect(later.find('/f', snapshot)).toBe(md5)
    await later.close()
  })
})

describe('a cache that grows', () => {
  it('forgets what was not used for 90 days, and keeps what was', async () => {
    await keepMany(3)
    const day = Math.floor(Date.now() / 86_400_000)
    await execute(
      `UPDATE files SET used=${day - 100}; UPDATE files SET used=${day - 80} WHERE path='/f0'; DELETE FROM marks`,
    )
    const cache = await HashCache.open(folder)
    expect(cache.find('/f0', snapshot)).toBe(md5)
    expect(cache.find('/f1', snapshot)).toBe(md5) // its use is news
    await cache.close()
    expect(paths()).toEqual(['/f0', '/f1'])
  })

  it('forgets what was not used longest where there is too much', async () => {
    await keepMany(30)
    await execute(`UPDATE files SET used=used-1 WHERE path NOT LIKE '/f1%'; DELETE FROM marks`)
    const db = new Database(file)
    rowsOf(db, 11).prune()
    db.close()
    expect(paths().filter((path) => path.startsWith('/f1'))).toHaveLength(11)
    expect(paths()).toHaveLength(11)
  })
})

describe('several processes', () => {
  it('write and read one cache at once, from its first start on', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => finished(writer(name, 3000))))
    const cache = await HashCache.open(folder)
    const known = ['a', 'b', 'c', 'd'].map((name) => count(cache, name, 3000))
    await cache.close()
    expect(known).toEqual([3000, 3000, 3000, 3000])
  })

  it('may be killed in the middle: what is found is right, and the next goes on', async () => {
    const child = writer('k', 200_000)
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await finished(writer('n', 10))
    const cache = await HashCache.open(folder)
    expect(count(cache, 'k', 200_000)).toBeGreaterThan(0)
    expect(count(cache, 'n', 10)).toBe(10)
    await cache.close()
  })
})

/** Another process that keeps entries, and says so after the first thousands. */
function writer(name: string, entries: number) {
  return run(`
    for (let i = 0; i < ${entries}; i++) {
      cache.keep('/${name}' + i, stamp, String(i).padStart(32, '0'))
      if (i % 500 === 0) await new Promise(setImmediate)
      if (i === 5000) process.stdout.write('.')
    }`)
}

/** Another process with the cache. */
function run(code: string) {
  const module = new URL('../../../dist/cli/hashing/hash-cache.js', import.meta.url).href
  const whole = `
    import { HashCache } from ${JSON.stringify(module)}
    const stamp = ${JSON.stringify(stamp)}
    const cache = await HashCache.open(${JSON.stringify(folder)})
    ${code}
    await cache.close()`
  return spawn(process.execPath, ['--input-type=module', '-e', whole], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function finished(child: ReturnType<typeof run>): Promise<void> {
  const [code] = (await once(child, 'exit')) as [number | null]
  expect(code).toBe(0)
}

/** How many of a writer's entries are found. Every one of them must be right. */
function count(cache: HashCache, name: string, entries: number): number {
  let known = 0
  for (let i = 0; i < entries; i++) {
    const found = cache.find(`/${name}${i}`, snapshot)
    if (found === undefined) continue
    expect(found).toBe(String(i).padStart(32, '0'))
    known++
  }
  return known
}

/** By another process: a connection of this one would share its view of the file with later ones. */
async function keepOne(): Promise<void> {
  await finished(
    run(`
      cache.keep('/a', stamp, '${md5}')
      cache.keepPartial('/b', stamp, { hashedTo: 9, state: Uint8Array.of(1, 2, 3) })`),
  )
  await execute('PRAGMA wal_checkpoint(TRUNCATE)')
  expect((await stat(file)).size).toBeGreaterThan(8192)
}

async function keepMany(number: number): Promise<void> {
  const cache = await HashCache.open(folder)
  for (let i = 0; i < number; i++) cache.keep(`/f${i}`, stamp, md5)
  await cache.close()
}

function paths(): string[] {
  const db = new Database(file)
  const rows = db.prepare('SELECT path FROM files ORDER BY path').all() as { path: string }[]
  db.close()
  return rows.map(({ path }) => path)
}

async function execute(sql: string): Promise<void> {
  const db = new Database(file)
  db.exec(sql)
  db.close()
}

/** Leaves the head with the version and the tables' names as it is. */
async function scribble(from: number): Promise<void> {
  const handle = await open(file, 'r+')
  const { size } = await handle.stat()
  await handle.write(randomBytes(size - from), 0, size - from, from)
  await handle.close()
}
