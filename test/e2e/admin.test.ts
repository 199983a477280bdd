import Database from 'libsql'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { admin, adminJson } from '../support/admin.js'
import { Line } from '../support/proxy.js'
import { MAIN, pause, TestServer } from '../support/server.js'
import { missing } from '../support/tools.js'
import { content, md5, stockUpload, tus } from '../support/tus.js'

const MIB = 1024 * 1024

let server: TestServer
beforeEach(async () => {
  server = await TestServer.start({ env: { SCRUB_DAYS: '0' } })
})
afterEach(() => server.stop())

const check = async (hash: string) => (await fetch(`${server.url}/check?md5=${hash}`)).json()
const store = async (bytes: number, filename: string) => {
  const file = content(bytes)
  await stockUpload(server.url, file.bytes, { metadata: { md5: file.md5, filename } })
  return file
}

/** Changes one bit of a file, as a bad disk would. */
async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0]! ^= 4
  await file.write(byte, 0, 1, at)
  await file.close()
}

describe('list and stat', () => {
  it('show what is stored, with its name, narrowed down by name, size and date', async () => {
    const small = await store(1000, '报告.pdf')
    const large = await store(3 * MIB, 'Holiday Film.MP4')
    const { lines, stderr, code } = await admin(server, 'list')
    expect(code).toBe(0)
    expect(lines).toHaveLength(3)
    expect(lines.join('\n')).toContain('报告.pdf')
    expect(stderr).toContain('2 file(s), 3.00 MiB')
    const md5s = async (...filter: string[]) =>
      (await adminJson(server, 'list', ...filter)).map((row) => String(row['md5']))
    expect((await md5s()).toSorted()).toEqual([small.md5, large.md5].toSorted())
    expect(await md5s('--name', 'film')).toEqual([large.md5])
    expect(await md5s('--name', '报告')).toEqual([small.md5])
    expect(await md5s('--min', '2MB')).toEqual([large.md5])
    expect(await md5s('--max', '2MB')).toEqual([small.md5])
    expect(await md5s('--until', '2020-01-01')).toEqual([])
    expect(await md5s('--since', '2020-01-01')).toHaveLength(2)
    expect(await adminJson(server, 'stat', large.md5)).toMatchObject([
      { md5: large.md5, filename: 'Holiday Film.MP4', size: 3 * MIB, verified: true },
    ])
    expect(await adminJson(server, 'stat')).toMatchObject([
      { files: 2, bytes: 3 * MIB + 1000, open: 0, serving: true },
    ])
  })

  it('show a shelf of 150,000 files', async () => {
    const db = new Database(join(server.files, '.ledger', 'ledger.db'))
    db.exec(`WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM number WHERE n<150000)
      INSERT INTO contents (md5, file, filename, size, verified, stored_at)
        SELECT printf('%032x', n), printf('%032x.bin', n), 'a.bin', n, 1, 0 FROM number`)
    db.close()
    const { lines, stderr, code } = await admin(server, 'list')
    expect(stderr).toContain('150000 file(s)')
    expect(lines).toHaveLength(150_001)
    expect(code).toBe(0)
  })

  it('say what is wrong with what was typed, and exit with 2', async () => {
    for (const [args, words] of [
      [['list', '--since', 'yesterday'], '2026-01-31'],
      [['list', '--min', 'much'], '500MB'],
      [['stat', 'abc'], '32 hex digits'],
      [['delete'], 'md5'],
      [['verify', '--rate', 'fast'], '500MB'],
      [['repair'], 'repair'],
    ] as const) {
      const { code, stderr } = await admin(server, ...args)
      expect(stderr).toContain(words)
      expect(code).toBe(2)
    }
  })

  it('say where they looked when there is nothing of ours, and make nothing there', async () => {
    const env = { FILES_DIR: join(server.dir, 'elsewhere') }
    const { code, stderr } = await admin({ dir: server.dir, env }, 'list')
    expect(stderr).toContain('elsewhere')
    expect(code).toBe(4)
    expect(await readdir(server.dir)).not.toContain('elsewhere')
  })
})

describe('a command that can not open the stores', () => {
  it.each(['list', 'stat', 'uploads', 'verify', 'verify --repair'])(
    'ends and says why: %s',
    async (typed) => {
      await server.terminate()
      await writeFile(join(server.dir, 'no-folder'), '')
      await symlink('nowhere', join(server.dir, 'dangling'))
      for (const [tmp, words] of [
        ['no-folder', "no-folder can't be written"],
        ['dangling', 'dangling'],
      ]) {
        const env = { PATH: process.env['PATH'], FERRY_LANG: 'en', TMP_DIR: tmp }
        const command = [MAIN, ...typed.split(' ')]
        const how = {
          cwd: server.dir,
          env,
          timeout: 10_000,
          killSignal: 'SIGKILL',
          encoding: 'utf8',
        } as const
        const { status, stdout, stderr } = spawnSync(process.execPath, command, how)
        expect(stderr).toContain(words)
        expect(stderr).not.toContain('no index')
        expect(stdout).toBe('')
        expect(status).toBe(4)
      }
    },
  )
})

describe('uploads', () => {
  it('shows what is arriving by both doors, how fast and from where, and no id that others could use', async () => {
    const file = content(40 * MIB)
    const line = await Line.to(server.port)
    line.upRate = 4 * MIB
    const url = tus.location(server.url, await tus.create(server.url, 40 * MIB, { filename: 'film.mp4' }))
    const through = `http://${line.address}${new URL(url).pathname}`
    const sending = tus.patch(through, 0, file.bytes).catch(() => undefined)
    const form = new FormData()
    form.append('file', new Blob([content(20 * MIB).bytes]), 'form.bin')
    const posting = fetch(`http://${line.address}/upload`, { method: 'POST', body: form }).catch(
      () => undefined,
    )
    await pause(1500)
    const rows = await adminJson(server, 'uploads')
    const id = url.split('/').at(-1)!
    expect(rows.map(({ door, filename, size }) => ({ door, filename, size }))).toEqual([
      { door: 'tus', filename: 'film.mp4', size: 40 * MIB },
      { door: 'form', filename: 'form.bin', size: null },
    ])
    for (const row of rows) {
      expect(row['from']).toMatch(/127\.0\.0\.1/)
      expect(row['rate']).toBeGreaterThan(MIB / 4)
      expect(row['bytes']).toBeGreaterThan(0)
    }
    const { lines } = await admin(server, 'uploads')
    expect(lines.join('\n')).toContain(id.slice(0, 8))
    expect(JSON.stringify(rows) + lines.join('\n')).not.toContain(id)
    await line.close()
    await sending
    await posting
    await expect.poll(async () => (await adminJson(server, 'uploads')).length).toBe(1)
  })

  it('counts what has been brought ahead of the front, and what lies over the front once', async () => {
    const { bytes } = content(4 * MIB)
    const whole = tus.location(server.url, await tus.create(server.url, 4 * MIB, { filename: 'film.mp4' }))
    await tus.place(server.url, whole, 3 * MIB, MIB, bytes.subarray(3 * MIB))
    await tus.place(server.url, whole, MIB, MIB, bytes.subarray(MIB, 2 * MIB))
    const [first, ...others] = await adminJson(server, 'uploads')
    expect(others).toEqual([])
    expect(first).toMatchObject({ filename: 'film.mp4', bytes: 2 * MIB, size: 4 * MIB })
    await tus.place(server.url, whole, 0, MIB, bytes.subarray(0, MIB))
    expect(await adminJson(server, 'uploads')).toMatchObject([{ bytes: 3 * MIB }])
    expect((await admin(server, 'uploads')).lines.join('\n')).toContain('3.00 MiB / 4.00 MiB (75%)')
  })
})

describe('delete', () => {
  it('takes a content off the shelf while somebody reads it, and he reads on to the end', async () => {
    const file = await store(30 * MIB, 'a.bin')
    const response = await fetch(`${server.url}/files/${file.md5}.bin`)
    const reader = response.body!.getReader()
    const chunks = [(await reader.read()).value!]
    const { code, lines } = await admin(server, 'delete', `${server.url}/files/${file.md5}.bin`)
    expect(code).toBe(0)
    expect(lines).toEqual([`Deleted: ${file.md5}.bin`])
    expect(await check(file.md5)).toEqual({ status: 'notfound' })
    expect((await fetch(`${server.url}/files/${file.md5}.bin`)).status).toBe(404)
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value)
    expect(md5(Buffer.concat(chunks))).toBe(file.md5)
    expect(await server.shelf()).toEqual([])
    expect(await adminJson(server, 'list')).toEqual([])
    expect((await admin(server, 'delete', file.md5)).code).toBe(3)
    await store(10, 'other.bin')
    await stockUpload(server.url, file.bytes, { metadata: { md5: file.md5, filename: 'again.bin' } })
    expect(await check(file.md5)).toMatchObject({ status: 'exists' })
  })

  it('takes all files of a content, under whatever extension they lie there', async () => {
    const file = await store(1000, 'a.bin')
    await writeFile(join(server.files, `${file.md5}.mkv`), file.bytes)
    await admin(server, 'delete', file.md5)
    expect(await server.shelf()).toEqual([])
    await server.kill()
    await server.start()
    expect(await check(file.md5)).toEqual({ status: 'notfound' })
  })
})

describe.skipIf(missing('strace'))(`delete, killed at any of its steps${missing('strace')}`, () => {
  it.each(['unlink', 'fsync', 'fdatasync', 'pwrite64'])(
    'leaves the whole file or none, wherever in %s it died, and can be given again',
    async (call) => {
      for (let strike = 1; ; strike++) {
        const file = await store(1000, 'a.bin')
        const args = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`]
        const kill = ['-e', `inject=${call}:signal=SIGKILL:when=${strike}`]
        const { status } = spawnSync(
          'strace',
          [...args, ...kill, process.execPath, MAIN, 'delete', file.md5],
          {
            cwd: server.dir,
            env: { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: '1', FERRY_LANG: 'en' },
          },
        )
        const response = await fetch(`${server.url}/files/${file.md5}.bin`)
        if (response.status === 200) expect(md5(Buffer.from(await response.arrayBuffer()))).toBe(file.md5)
        else expect(await check(file.md5)).toEqual({ status: 'notfound' })
        expect([0, 3]).toContain((await admin(server, 'delete', file.md5)).code)
        expect(await check(file.md5)).toEqual({ status: 'notfound' })
        if (status === 0) break
        expect(strike).toBeLessThan(30)
      }
      expect(await server.shelf()).toEqual([])
      expect((await adminJson(server, 'stat'))[0]).toMatchObject({ files: 0 })
    },
  )
})

describe('verify', () => {
  const verify = async (...args: string[]) => {
    const { code, lines } = await admin(server, 'verify', '--json', ...args)
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    return { code, findings: rows.slice(0, -1), sum: rows.at(-1)! }
  }

  it('finds nothing where nothing is wrong, and reads every byte for it', async () => {
    await store(3 * MIB, 'a.bin')
    await store(1000, 'b.bin')
    expect(await verify()).toEqual({
      code: 0,
      findings: [],
      sum: expect.objectContaining({ files: 2, bytes: 3 * MIB + 1000, found: 0 }) as object,
    })
  })

  it('finds a single bit that has changed, beside a running server; repaired, it is no longer served', async () => {
    const good = await store(2 * MIB, 'good.bin')
    const bad = await store(2 * MIB, 'bad.bin')
    await flip(join(server.files, `${bad.md5}.bin`), 1_234_567)
    expect(await verify()).toMatchObject({
      code: 3,
      findings: [{ kind: 'wrong-content', name: `${bad.md5}.bin`, mended: false }],
    })
    expect(await check(bad.md5)).toMatchObject({ status: 'exists' })
    expect(await verify('--repair')).toMatchObject({
      code: 1,
      findings: [{ kind: 'wrong-content', mended: true }],
    })
    expect(await check(bad.md5)).toEqual({ status: 'notfound' })
    expect((await fetch(`${server.url}/files/${bad.md5}.bin`)).status).toBe(404)
    expect(await server.shelf()).toEqual([`${good.md5}.bin`])
    expect(await readdir(join(server.files, '.quarantine'))).toHaveLength(1)
    expect(await verify()).toMatchObject({ code: 0, findings: [] })
    await stockUpload(server.url, bad.bytes, { metadata: { md5: bad.md5, filename: 'bad.bin' } })
    expect(await verify()).toMatchObject({ code: 0, findings: [] })
  })

  it('finds what shelf and ledger do not agree on, and lets the ledger follow the shelf', async () => {
    const gone = await store(1000, 'gone.bin')
    const known = await store(1000, 'known.bin')
    await rm(join(server.files, `${gone.md5}.bin`))
    const copied = content(2000)
    await writeFile(join(server.files, `${copied.md5}.mp4`), copied.bytes)
    await writeFile(join(server.files, `${known.md5}.mkv`), known.bytes)
    await writeFile(join(server.files, 'notes.txt'), '')
    const kinds = ({ findings }: { findings: Record<string, unknown>[] }) =>
      findings.map(({ kind, name }) => `${String(kind)} ${String(name)}`).toSorted()
    const expected = [
      `duplicate ${known.md5}.mkv`,
      `foreign-names ${server.files}`,
      `missing-file ${gone.md5}.bin`,
      `unknown-file ${copied.md5}.mp4`,
    ]
    expect(await check(copied.md5)).toEqual({ status: 'notfound' })
    expect(kinds(await verify())).toEqual(expected)
    expect(kinds(await verify('--repair'))).toEqual(expected)
    expect(kinds(await verify())).toEqual(expected.slice(0, 2))
    expect(await check(copied.md5)).toMatchObject({ status: 'exists', size: 2000 })
  })

  it('finds a recorded size that is not the file’s, although the file is what its name says', async () => {
    const file = await store(1000, 'a.bin')
    const db = new Database(join(server.files, '.ledger', 'ledger.db'))
    db.exec('UPDATE contents SET size=7')
    db.close()
    expect(await check(file.md5)).toEqual({ status: 'notfound' })
    expect(await verify('--repair')).toMatchObject({
      code: 1,
      findings: [{ kind: 'wrong-size', mended: true }],
    })
    expect(await check(file.md5)).toMatchObject({ status: 'exists', size: 1000 })
  })

  it('leaves alone what is still being copied to the shelf', async () => {
    const file = content(1000)
    const path = join(server.files, `${file.md5}.bin`)
    await writeFile(path, file.bytes.subarray(0, 500))
    await server.kill()
    await server.start()
    const copying = setInterval(() => void writeFile(path, file.bytes.subarray(0, 600)), 300)
    expect(await verify('--repair')).toMatchObject({ code: 0, findings: [{ kind: 'changing' }] })
    clearInterval(copying)
    await pause(400)
    await writeFile(path, file.bytes)
    expect(await verify('--repair')).toMatchObject({ code: 0, findings: [] })
  })

  it('leaves alone a copy that only pauses, and sets aside one that was given up', async () => {
    const file = content(1000)
    const path = join(server.files, `${file.md5}.bin`)
    await writeFile(path, file.bytes.subarray(0, 500))
    expect(await verify('--repair')).toMatchObject({ code: 0, findings: [{ kind: 'changing' }] })
    await utimes(path, 1, 1)
    expect(await verify('--repair')).toMatchObject({ code: 1, findings: [{ kind: 'wrong-content' }] })
    expect(await server.shelf()).toEqual([])
  })

  it('does not wait for the other end of a pipe that stands where a file was', async () => {
    const file = await store(1000, 'a.bin')
    const path = join(server.files, `${file.md5}.bin`)
    await rm(path)
    execFileSync('mkfifo', [path])
    const { code, findings } = await verify()
    expect(code).toBe(3)
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'unreadable', name: `${file.md5}.bin` }))
  })

  it('finds every state that a kill can leave among the uploads, and mends it as a start would', async () => {
    const names = ['longer', 'shorter', 'missing', 'complete'] as const
    const files = names.map(() => content(300_000))
    const parts: string[] = []
    for (const { bytes, md5: hash } of files) {
      const url = tus.location(server.url, await tus.create(server.url, 300_000, { md5: hash }))
      await tus.patch(url, 0, bytes.subarray(0, 200_000))
      parts.push(join(server.tmp, `tmp_${url.split('/').at(-1)!}`))
    }
    const [longer, shorter, missing, complete] = parts as [string, string, string, string]
    await server.kill()
    await truncate(longer, 250_000)
    await truncate(shorter, 100_000)
    await rm(missing)
    await writeFile(complete, files[3]!.bytes)
    await link(complete, join(server.files, `${files[3]!.md5}.bin`))
    const stray = join(server.tmp, `tmp_${'5'.repeat(32)}`)
    await writeFile(stray, 'x')
    const old = new Date(Date.now() - 3_600_000)
    await utimes(stray, old, old)
    const kinds = (findings: Record<string, unknown>[]) => findings.map(({ kind }) => String(kind)).toSorted()
    const expected = [
      'part-longer',
      'part-missing',
      'part-on-shelf',
      'part-shorter',
      'stray-part',
      'unknown-file',
    ]
    const found = await verify()
    expect(kinds(found.findings)).toEqual(expected)
    // Who knows an upload's whole id can go on with it.
    const { lines } = await admin(server, 'verify')
    for (const part of [...parts, stray]) {
      const id = part.split('tmp_').at(-1)!
      expect(found.findings.map(({ name }) => name)).toContain(id.slice(0, 8))
      expect(lines.join('\n')).toContain(`${id.slice(0, 8)}: `)
      expect(JSON.stringify(found) + lines.join('\n')).not.toContain(id)
    }
    const repaired = await verify('--repair')
    expect(kinds(repaired.findings)).toEqual(expected.slice(0, -1))
    expect(repaired.code).toBe(1)
    expect((await verify()).findings).toEqual([])
    expect((await stat(longer)).size).toBe(200_000)
    expect(await server.inbox()).toHaveLength(2)
    await server.start()
    expect(await check(files[3]!.md5)).toMatchObject({ status: 'exists' })
    expect(await check(files[1]!.md5)).toMatchObject({ status: 'uploading', offset: 100_000 })
  })

  it('says so when the ledger is torn, and touches nothing; asked to repair, it rebuilds it from the shelf', async () => {
    const file = await store(1000, 'a.bin')
    await server.kill()
    const ledger = join(server.files, '.ledger')
    await rename(ledger, join(server.dir, 'old'))
    await mkdir(ledger)
    await writeFile(join(ledger, 'ledger.db'), 'this is no database, and long enough to be looked at as one')
    const { code, stderr } = await admin(server, 'verify')
    expect(code).toBe(4)
    expect(stderr).toContain('damaged')
    expect(await readdir(ledger)).toEqual(['ledger.db'])
    expect(await verify('--repair')).toMatchObject({
      code: 1,
      findings: [{ kind: 'torn-ledger', mended: true }],
    })
    expect(await verify('--repair')).toMatchObject({ code: 0, findings: [] })
    expect(await adminJson(server, 'list')).toMatchObject([{ md5: file.md5, verified: true }])
  })

  it('rebuilds a ledger that opens and is damaged inside, and verifies what it has rebuilt', async () => {
    const file = await store(1000, 'a.bin')
    await server.terminate()
    const ledger = join(server.files, '.ledger', 'ledger.db')
    const db = new Database(ledger)
    db.exec(`WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM number WHERE n<20000)
      INSERT INTO contents (md5, file, filename, size, verified, stored_at)
        SELECT printf('%032x', n), printf('%032x.bin', n), 'a.bin', n, 1, 0 FROM number`)
    db.close()
    const page = await open(ledger, 'r+')
    await page.write(Buffer.alloc(4096, 0xff), 0, 4096, 4096 * 300)
    await page.close()
    const repaired = await verify('--repair')
    expect(repaired).toMatchObject({
      code: 1,
      findings: [{ kind: 'torn-ledger', mended: true }],
      sum: { files: 1, bytes: 1000 },
    })
    const aside = String(repaired.findings[0]!['detail'])
    expect(await readdir(server.files)).toContain(aside.split('/').at(-1))
    expect(await verify()).toMatchObject({ code: 0, findings: [] })
    expect(await adminJson(server, 'list')).toMatchObject([{ md5: file.md5, verified: true }])
  })

  it('rebuilds a ledger that is gone, and leaves the parts alone', async () => {
    const file = await store(1000, 'a.bin')
    const url = tus.location(server.url, await tus.create(server.url, 1000))
    await server.kill()
    const part = `tmp_${url.split('/').at(-1)!}`
    const old = new Date(Date.now() - 3_600_000)
    await utimes(join(server.tmp, part), old, old)
    await rm(join(server.files, '.ledger'), { recursive: true })
    expect(await verify('--repair')).toMatchObject({
      code: 3,
      findings: [
        { kind: 'torn-ledger', mended: true },
        { kind: 'stray-part', mended: false },
      ],
    })
    expect(await server.inbox()).toEqual([part])
    expect(await adminJson(server, 'list')).toMatchObject([{ md5: file.md5, verified: true }])
    await server.start()
    expect(await check(file.md5)).toMatchObject({ status: 'exists' })
    expect(await server.inbox()).toEqual([])
  })

  it('makes no ledger in a folder that is no shelf, and takes no part from another’s inbox', async () => {
    const url = tus.location(server.url, await tus.create(server.url, 1000))
    await server.kill()
    await mkdir(join(server.dir, 'mistyped'))
    await writeFile(join(server.dir, 'mistyped', 'notes.txt'), '')
    for (const folder of ['mistyped', 'nowhere']) {
      const wrong = { dir: server.dir, env: { FILES_DIR: folder } }
      const { code, lines, stderr } = await admin(wrong, 'verify', '--repair')
      expect(stderr).toContain(`no index of Ferry's in ${join(server.dir, folder)}; check FILES_DIR`)
      expect(lines).toEqual([])
      expect(code).toBe(4)
    }
    expect(await readdir(join(server.dir, 'mistyped'))).toEqual(['notes.txt'])
    expect(await readdir(server.dir)).not.toContain('nowhere')
    expect(await server.inbox()).toEqual([`tmp_${url.split('/').at(-1)!}`])
  })

  it('keeps away from a running server’s parts, whatever other shelf it is pointed at', async () => {
    const env = { FILES_DIR: 'other', TMP_DIR: 'other-tmp' }
    const other = await TestServer.start({ dir: server.dir, env })
    await other.terminate()
    const file = content(300_000)
    const url = tus.location(server.url, await tus.create(server.url, 300_000, { md5: file.md5 }))
    await tus.patch(url, 0, file.bytes.subarray(0, 200_000))
    const old = new Date(Date.now() - 3_600_000)
    await utimes(join(server.tmp, `tmp_${url.split('/').at(-1)!}`), old, old)
    const wrong = { dir: server.dir, env: { FILES_DIR: 'other' } }
    const { code, lines, stderr } = await admin(wrong, 'verify', '--repair')
    expect(stderr).toContain(`Another Ferry is using the folder ${server.tmp};`)
    expect(lines).toEqual([])
    expect(code).toBe(4)
    expect((await tus.patch(url, 200_000, file.bytes.subarray(200_000))).status).toBe(204)
  })

  it('reads no faster than it is told', async () => {
    await store(6 * MIB, 'a.bin')
    const begun = performance.now()
    expect((await admin(server, 'verify', '--rate', '2MB/s')).code).toBe(0)
    expect(performance.now() - begun).toBeGreaterThan(2000)
  })
})
