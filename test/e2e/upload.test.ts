import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readFile, readdir, symlink } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/server.js'
import { content, stockUpload } from '../support/tus.js'
import { MIB, UploadScene, eventsOf } from '../support/uploading.js'

const KIB = 1024

describe('ferry upload of files and folders', () => {
  let scene: UploadScene
  beforeAll(async () => {
    scene = await UploadScene.open()
    const { home } = scene
    await mkdir(home.path('片库/第一季'), { recursive: true })
    await mkdir(home.path('片库/.git'))
  })
  afterAll(() => scene.close())

  it('gives the URL of each file, each leads to exactly that, and a second run sends nothing', async () => {
    const { home, line } = scene
    const files = [
      await scene.file('a.mp4', 300 * KIB),
      await scene.file('no extension', 5),
      await scene.file('片库/第一季/第 1 集.mkv', 9 * MIB),
      await scene.file('片库/目录.txt', 1),
    ]
    const left = [
      await scene.file('片库/.隐藏', 10),
      await scene.file('片库/.git/config', 11),
      await scene.file('outside.bin', 12),
    ]
    await symlink('../outside.bin', home.path('片库/link.bin'))
    const urls = files.map((file) => scene.url(file)).toSorted()
    const args = ['a.mp4', 'no extension', '片库']
    const first = await scene.run(args)
    expect(first).toMatchObject({ code: 0, signal: null })
    expect(first.lines.toSorted()).toEqual(urls)
    for (const file of files) expect(await scene.md5At(scene.url(file))).toBe(file.md5)
    expect(await scene.server.shelf()).toHaveLength(4)

    line.up = 0
    const second = await scene.run(args)
    expect(second.lines.toSorted()).toEqual(urls)
    expect(line.up).toBeLessThan(8 * KIB)
    expect(second.stderr).toMatch(/\[INFO\] 0 uploaded, 4 already there, 0 failed/)

    const all = await scene.run([...args, '--hidden', '--follow-links'])
    expect(all.lines.toSorted()).toEqual([...urls, ...left.map((file) => scene.url(file))].toSorted())
  })

  it('takes of a folder what the patterns and --max-size say', async () => {
    const { home } = scene
    await mkdir(home.path('choice/sub'), { recursive: true })
    const names = ['a.mp4', 'b.txt', 'sub/c.mp4', 'sub/d.mp4', 'big.mp4']
    const files = await Promise.all(
      names.map((name, at) => scene.file(`choice/${name}`, name === 'big.mp4' ? 2000 : 10 + at)),
    )
    const args = ['--include', '*.mp4', '--exclude', 'd.*', '--max-size', '1K']
    const { code, lines, stderr } = await scene.run(['choice', ...args])
    expect(code).toBe(0)
    expect(lines.toSorted()).toEqual([files[0]!, files[2]!].map((file) => scene.url(file)).toSorted())
    expect(stderr).toContain('larger than --max-size: choice/big.mp4')
  })

  it('sends small files in one request each', async () => {
    const { home, server } = scene
    await mkdir(home.path('many'))
    const files = await Promise.all(
      Array.from({ length: 200 }, (_, at) => scene.file(`many/${at}.bin`, 10 * KIB + at)),
    )
    const since = await server.logged()
    const { code, lines, stderr } = await scene.run(['many'])
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^\[INFO\] 200 uploaded/m) as string,
    })
    expect(stderr).not.toContain('Warning')
    expect(lines.toSorted()).toEqual(files.map((file) => scene.url(file)).toSorted())
    for (const file of files.slice(0, 5)) expect(await scene.md5At(scene.url(file))).toBe(file.md5)
    expect(await scene.count('POST', 'tus', since)).toBe(200)
    expect(await scene.count('PATCH', 'tus', since)).toBe(0)
    expect(await server.inbox()).toEqual([])
  })

  it('does not let small files wait for a big one', async () => {
    const { home, line } = scene
    await mkdir(home.path('mixed'))
    const big = await scene.file('mixed/0-big.bin', 24 * MIB)
    const small = await Promise.all(
      Array.from({ length: 20 }, (_, at) => scene.file(`mixed/${at}.txt`, 100 + at)),
    )
    line.upRate = 8 * MIB
    const { code, lines } = await scene.run(['mixed']).finally(() => (line.upRate = Infinity))
    expect(code).toBe(0)
    expect(lines).toHaveLength(21)
    expect(lines.at(-1)).toBe(scene.url(big))
    expect(lines.slice(0, 20).toSorted()).toEqual(small.map((file) => scene.url(file)).toSorted())
  })

  it('brings the other files when some are bad, and says what is wrong with each', async () => {
    const { home } = scene
    const good = await scene.file('good.bin', 1000)
    const last = await scene.file('last.bin', 2000)
    execFileSync('mkfifo', [home.path('fifo')])
    const outcome = await scene.run(['good.bin', 'missing.bin', 'fifo', 'last.bin'])
    expect(outcome.code).toBe(1)
    expect(outcome.lines.toSorted()).toEqual([good, last].map((file) => scene.url(file)).toSorted())
    expect(outcome.stderr).toContain('[ERROR] No such file: missing.bin\n')
    expect(outcome.stderr).toContain('[ERROR] Not a regular file: fifo\n')
    expect(outcome.stderr).toMatch(/\[INFO\] 2 uploaded, 0 already there, 2 failed; .+\n$/)
  })

  it.runIf(process.getuid?.() !== 0)('says which file it can not read', async () => {
    const secret = await scene.file('secret.bin', 1000)
    await chmod(secret.path, 0)
    const { code, stderr } = await scene.run(['secret.bin'])
    expect(code).toBe(1)
    expect(stderr).toContain('Cannot read the file: secret.bin (EACCES)')
  })

  it('does not try every file on a server that nobody can reach', async () => {
    const { home } = scene
    await mkdir(home.path('unreachable'))
    for (let at = 0; at < 40; at++) await scene.file(`unreachable/${at}.bin`, 10)
    const nobody = await freePort()
    const args = ['upload', '-s', `127.0.0.1:${nobody}`, 'unreachable', '--retry-for', '1s']
    const { code, stderr } = await home.run(args, { FERRY_LANG: 'en' })
    expect(code).toBe(1)
    expect(stderr.match(/\[ERROR\]/g)).toHaveLength(1)
    expect(stderr).toContain('(ECONNREFUSED); gave up after 1s without any progress')
  })

  it('says in a dry run what it would do, and sends nothing', async () => {
    const { server } = scene
    const known = await scene.file('here.mp4', 3000)
    await stockUpload(server.url, known.bytes, { metadata: { filename: 'here.mp4' } })
    const missing = await scene.file('new.bin', 9 * MIB)
    const list = await scene.home.write('kept.csv', 'an older list')
    const since = await server.logged()
    const dry = ['--dry-run', '--manifest', list]
    const outcome = await scene.run([...dry, 'here.mp4', 'new.bin'])
    expect(outcome.code).toBe(0)
    expect(outcome.lines.toSorted()).toEqual([
      `already there: here.mp4 ${scene.url(known)}`,
      'would be sent (9.0 MiB): new.bin',
    ])
    const json = await scene.run([...dry, '--json', 'new.bin'])
    expect(eventsOf(json)[0]).toEqual({
      event: 'would',
      path: 'new.bin',
      size: 9 * MIB,
      md5: missing.md5,
      status: 'notfound',
    })
    const client = scene.pipe([...dry, '--json', '-', '--name', 'new.bin'])
    client.input.end(missing.bytes)
    expect(eventsOf(await client.outcome)[0]).toEqual(eventsOf(json)[0])
    expect((await scene.requests(since)).map(({ method, door }) => `${method} ${door}`)).toEqual(
      Array(4).fill('GET check'),
    )
    expect(await readFile(list, 'utf8')).toBe('an older list')
  })

  it('writes a manifest that any CSV reader understands', async () => {
    const { home } = scene
    await mkdir(home.path('list'))
    const names = ['plain.bin', 'with, comma.bin', 'with "quotes".bin', 'with\nnewline.bin', ' 空格.bin']
    const files = await Promise.all(names.map((name, at) => scene.file(`list/${name}`, 50 + at)))
    const { code } = await scene.run(['list', 'gone', '--manifest', 'list.csv'])
    expect(code).toBe(1)
    const rows = parse(await readFile(home.path('list.csv'), 'utf8'), { columns: true }) as Record<
      string,
      string
    >[]
    const byPath = (a: Record<string, unknown>, b: Record<string, unknown>) =>
      String(a['path']) < String(b['path']) ? -1 : 1
    expect(rows.toSorted(byPath)).toEqual(
      files
        .map((file) => ({
          path: file.name,
          size: `${file.bytes.length}`,
          md5: file.md5,
          url: scene.url(file),
        }))
        .toSorted(byPath),
    )
    expect((await readdir(home.dir)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('brings files with odd names and none at all in them, and lets no name steer a terminal', async () => {
    const empty = await scene.file('empty.bin', 0)
    const odd = await scene.file('two\nlines\u001b[31m.mp4', 100)
    const outcome = await scene.run([empty.name, odd.name])
    expect(outcome.code).toBe(0)
    expect(outcome.lines.toSorted()).toEqual([empty, odd].map((file) => scene.url(file)).toSorted())
    expect(await scene.md5At(scene.url(empty))).toBe('d41d8cd98f00b204e9800998ecf8427e')
    const bad = await scene.run(['gone\n[SUCCESS]\u001b[31m.mp4'])
    expect(bad.stderr).toBe('[ERROR] No such file: gone[SUCCESS][31m.mp4\n')
  })

  it('says nothing but results with --quiet', async () => {
    const small = await scene.file('q.bin', 1000)
    const big = await scene.file('q-big.bin', 9 * MIB)
    const { code, lines, stderr } = await scene.run(['-q', small.name, big.name])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(lines.toSorted()).toEqual([small, big].map((file) => scene.url(file)).toSorted())
  })

  it('hashes first where it is told to, and keeps no cache where it is told not to', async () => {
    const { server, home } = scene
    const file = await scene.file('first.bin', 9 * MIB)
    const since = await server.logged()
    const { code } = await scene.run(['--hash-first', '--no-cache', file.name])
    expect(code).toBe(0)
    const created = (await scene.requests(since)).find(
      ({ method, door }) => method === 'POST' && door === 'tus',
    )
    expect(created).toMatchObject({ md5: file.md5 })
    const kept = await readFile(`${home.cache}/hashes.db`).catch(() => Buffer.alloc(0))
    expect(kept.includes(home.path(file.name))).toBe(false)
  })
})

describe('ferry upload to a server that takes no big files', () => {
  let scene: UploadScene
  beforeAll(async () => void (scene = await UploadScene.open({ MAX_SIZE: '10MiB' })))
  afterAll(() => scene.close())

  it('says so of each that is too big, and does not take it for a proxy’s word', async () => {
    const small = await scene.file('small.bin', 1000)
    const big = await scene.file('big.bin', 11 * MIB)
    for (const extra of [[], ['--hash-first']]) {
      const { code, stderr, lines } = await scene.run([big.name, small.name, ...extra])
      expect(code).toBe(1)
      expect(lines).toEqual([scene.url(small)])
      expect(stderr).toContain('[ERROR] big.bin: The file is larger than the server accepts (HTTP 413')
    }
    expect(await readdir(`${scene.home.state}/servers`).catch(() => [])).toEqual([])
    const client = scene.pipe(['-', '--name', 'big.bin'])
    client.input.end(content(11 * MIB).bytes)
    const { code, stderr } = await client.outcome
    expect(code).toBe(1)
    expect(stderr).toContain('The file is larger than the server accepts (HTTP 413')
    expect(await scene.server.inbox()).toEqual([])
  })
})
