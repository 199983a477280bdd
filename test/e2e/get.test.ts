import { link, readFile, readdir, symlink, writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { getOne } from '#cli/get/get.js'
import type { Wishes } from '#cli/get/order.js'
import { Downline } from '../support/downline.js'
import { filePart, formBytes, post } from '../support/form.js'
import { GetFolder, Getter, testTools } from '../support/getter.js'
import { Line } from '../support/proxy.js'
import { TestServer } from '../support/server.js'
import { content, md5 } from '../support/tus.js'

const MIB = 1024 * 1024

let server: TestServer
let small: { bytes: Buffer; md5: string }
let large: { bytes: Buffer; md5: string }
beforeAll(async () => {
  server = await TestServer.start()
  small = await store('假期 “一”.mp4', content(300_000).bytes)
  large = await store('large.bin', content(40 * MIB).bytes)
})
afterAll(() => server.stop())

async function store(name: string, bytes: Buffer) {
  const sent = await post(server.url, formBytes({ head: filePart('x'), body: bytes }), {
    query: { filename: name },
  })
  expect(sent.reply).toMatchObject({ status: 'ok' })
  return { bytes, md5: md5(bytes) }
}

async function downline(): Promise<Downline> {
  const line = await Downline.to(server.port)
  onTestFinished(() => line.close())
  return line
}

/** The order of getting one content through `url` into the folder. */
function orderOf(folder: GetFolder, source: string, url = server.url, wishes: Partial<Wishes> = {}) {
  return { ...folder.wishes(url, wishes), source, output: undefined as string | undefined }
}

describe('ferry get', () => {
  it('brings a file by its link, under its original name, and leaves nothing else', async () => {
    const folder = await GetFolder.create()
    const tools = testTools()
    const result = await getOne(orderOf(folder, `${server.url}/files/${small.md5}.mp4`), tools)
    expect(result).toEqual({
      state: 'got',
      path: folder.path('假期 “一”.mp4'),
      md5: small.md5,
      size: 300_000,
    })
    expect(await folder.names()).toEqual(['假期 “一”.mp4'])
    expect(md5(await folder.read('假期 “一”.mp4'))).toBe(small.md5)
  })

  it('brings a file by its MD5 to the file or into the folder that -o says', async () => {
    const folder = await GetFolder.create()
    await mkdir(folder.path('there'))
    const order = orderOf(folder, small.md5.toUpperCase())
    for (const [output, path] of [
      ['mine.mp4', 'mine.mp4'],
      ['there', 'there/假期 “一”.mp4'],
      ['new/er/', 'new/er/假期 “一”.mp4'],
      [folder.path('absolute.mp4'), 'absolute.mp4'],
    ] as const) {
      expect(await getOne({ ...order, output }, testTools())).toMatchObject({ path: folder.path(path) })
      expect(md5(await folder.read(path))).toBe(small.md5)
    }
  })

  it('brings an empty file', async () => {
    const empty = await store('empty.txt', Buffer.alloc(0))
    const folder = await GetFolder.create()
    await getOne(orderOf(folder, empty.md5), testTools())
    expect(await folder.names()).toEqual(['empty.txt'])
  })

  it('brings a file with several connections at once, and each byte once', async () => {
    const folder = await GetFolder.create()
    const line = await downline()
    line.rate = 40 * MIB
    await getOne(orderOf(folder, large.md5, line.url, { connections: 4 }), testTools())
    expect(md5(await folder.read('large.bin'))).toBe(large.md5)
    expect(line.mostAtOnce).toBe(4)
    expect(line.down).toBeLessThan(large.bytes.length + 100_000)
  })

  it('uses no second connection for a small file', async () => {
    const folder = await GetFolder.create()
    const line = await downline()
    await getOne(orderOf(folder, small.md5, line.url, { connections: 4 }), testTools())
    expect(line.connections).toBe(1)
  })

  describe('killed', () => {
    it.each([1, 3])(
      '20 times, with %i connection(s), ends with the right file',
      async (connections) => {
        const folder = await GetFolder.create()
        const line = await downline()
        line.rate = (1.2 * MIB) / connections
        const order = { ...orderOf(folder, large.md5, line.url, { connections }), output: 'out.bin' }
        let recorded = 0
        for (let kill = 0; kill < 20; kill++) {
          const getter = new Getter(order)
          await getter.until(async () => (await folder.recorded('out.bin')) > recorded)
          await getter.kill()
          expect(getter.output.includes(`Going on: ${recorded}/`)).toBe(recorded > 0)
          // Nothing is under the name before all is right.
          expect(await folder.names()).not.toContain('out.bin')
          const now = await folder.recorded('out.bin')
          expect(now).toBeGreaterThan(recorded)
          recorded = now
        }
        line.rate = Infinity
        const last = new Getter(order)
        expect(await last.exited, last.output).toBe(0)
        expect(await folder.names()).toEqual(['out.bin'])
        expect(md5(await folder.read('out.bin'))).toBe(large.md5)
        // What was recorded was not fetched again.
        expect(line.down).toBeLessThan(1.8 * large.bytes.length)
      },
      180_000,
    )

    /** A part of `large.bin` of which at least so many bytes are recorded. */
    async function partial(folder: GetFolder, bytes = 4 * MIB): Promise<void> {
      const line = await downline()
      line.rate = 8 * MIB
      const getter = new Getter(orderOf(folder, large.md5, line.url))
      await getter.until(async () => (await folder.recorded('large.bin')) > bytes)
      await getter.kill()
    }

    it('and its part damaged since: it finds that out, says so and mends it', async () => {
      const folder = await GetFolder.create()
      await partial(folder)
      const part = await folder.read('large.bin.part')
      part[1_000_000]! ^= 1
      await writeFile(folder.path('large.bin.part'), part)
      const tools = testTools()
      expect(await getOne(orderOf(folder, large.md5), tools)).toMatchObject({ state: 'got' })
      expect(tools.lines.join('\n')).toContain('is damaged: getting all of it again')
      expect(md5(await folder.read('large.bin'))).toBe(large.md5)
      expect(await folder.names()).toEqual(['large.bin'])
    })

    it.each([
      ['cut', (folder: GetFolder) => cut(folder, 1_000_000)],
      ['gone', (folder: GetFolder) => cut(folder, 0)],
    ])('and its part %s since: it trusts no byte that is not there', async (_how, change) => {
      const folder = await GetFolder.create()
      await partial(folder)
      await change(folder)
      const tools = testTools()
      await getOne(orderOf(folder, large.md5), tools)
      expect(tools.lines.join('\n')).not.toContain('damaged')
      expect(md5(await folder.read('large.bin'))).toBe(large.md5)
    })

    async function cut(folder: GetFolder, bytes: number): Promise<void> {
      await writeFile(folder.path('large.bin.part'), (await folder.read('large.bin.part')).subarray(0, bytes))
    }

    it('and its record torn: it starts over', async () => {
      const folder = await GetFolder.create()
      await partial(folder)
      await writeFile(folder.path('large.bin.part.json'), '{"md5":')
      await getOne(orderOf(folder, large.md5), testTools())
      expect(await folder.names()).toEqual(['large.bin'])
      expect(md5(await folder.read('large.bin'))).toBe(large.md5)
    })

    it('when the file had just got its name: the next run takes the rest away', async () => {
      const folder = await GetFolder.create()
      await partial(folder)
      await writeFile(folder.path('large.bin.part'), large.bytes)
      await link(folder.path('large.bin.part'), folder.path('large.bin'))
      expect(await getOne(orderOf(folder, large.md5), testTools())).toMatchObject({ state: 'already' })
      expect(await folder.names()).toEqual(['large.bin'])
    })

    it('by Ctrl-C keeps all that has come, and says how to go on', async () => {
      const folder = await GetFolder.create()
      const line = await downline()
      line.rate = 8 * MIB
      const getter = new Getter(orderOf(folder, large.md5, line.url))
      await getter.until(async () => (await folder.recorded('large.bin')) > 0)
      expect(await getter.kill('SIGINT')).toBe(130)
      expect(getter.output).toContain('The same command goes on where it stopped')
      expect(await folder.names()).toEqual(['large.bin.part', 'large.bin.part.json'])
    })
  })

  describe('on a bad line', () => {
    it.each([1, 4])('that breaks again and again, goes on with %i connection(s)', async (connections) => {
      const folder = await GetFolder.create()
      const line = await downline()
      line.cutEvery = 3 * MIB
      await getOne(orderOf(folder, large.md5, line.url, { connections }), testTools())
      expect(md5(await folder.read('large.bin'))).toBe(large.md5)
      expect(line.cuts).toBeGreaterThan(10)
      expect(line.down).toBeLessThan(2 * large.bytes.length)
    })

    it('that loses an answer with its connection, asks again', async () => {
      const line = await Line.to(server.port)
      onTestFinished(() => line.close())
      let lost = 0
      line.losesAnswer = () => lost++ < 2
      const folder = await GetFolder.create()
      await getOne(orderOf(folder, small.md5, `http://${line.address}`), testTools())
      expect(md5(await folder.read('假期 “一”.mp4'))).toBe(small.md5)
      expect(lost).toBeGreaterThan(2)
    })

    it('that falls silent, takes a new connection', async () => {
      const folder = await GetFolder.create()
      const line = await downline()
      line.rate = 8 * MIB
      const getter = new Getter(orderOf(folder, large.md5, line.url, { stallMs: 500 }))
      await getter.until(async () => (await folder.recorded('large.bin')) > 0)
      line.silence()
      line.rate = Infinity
      expect(await getter.exited, getter.output).toBe(0)
      expect(getter.output).toContain('No data moved')
      expect(md5(await folder.read('large.bin'))).toBe(large.md5)
    })

    it.each([1, 3])('goes on with %i connection(s) after the server was killed', async (connections) => {
      const folder = await GetFolder.create()
      const line = await downline()
      line.rate = 8 * MIB
      const getter = new Getter(orderOf(folder, large.md5, line.url, { connections }))
      await getter.until(async () => (await folder.recorded('large.bin')) > 0)
      await server.kill()
      await getter.until(() => getter.output.includes('trying again'))
      await server.start()
      expect(await getter.exited, getter.output).toBe(0)
      expect(md5(await folder.read('large.bin'))).toBe(large.md5)
      expect(line.down).toBeLessThan(1.5 * large.bytes.length)
    })

    it('gives up when there is no more patience, and keeps what it has', async () => {
      const folder = await GetFolder.create()
      const line = await downline()
      line.cutEvery = 3 * MIB
      const order = orderOf(folder, large.md5, line.url, { retryForMs: 0 })
      await expect(getOne(order, testTools())).rejects.toMatchObject({ code: 'line-down' })
      expect(await folder.recorded('large.bin')).toBeGreaterThan(2 * MIB)
      const nobody = { ...order, server: 'http://127.0.0.1:1', retryForMs: 500, retryFor: '500ms' }
      await expect(getOne(nobody, testTools())).rejects.toMatchObject({ code: 'gave-up' })
    })
  })

  describe('finds under the name', () => {
    it('the very content: gets nothing', async () => {
      const folder = await GetFolder.create()
      const line = await downline()
      await writeFile(folder.path('mine.mp4'), small.bytes)
      const order = { ...orderOf(folder, small.md5, line.url), output: 'mine.mp4' }
      const tools = testTools()
      expect(await getOne(order, tools)).toMatchObject({ state: 'already' })
      expect(tools.lines.at(-1)).toContain('Here already')
      expect(line.connections).toBe(0)
    })

    it('something else: leaves it, unless it may replace it', async () => {
      const folder = await GetFolder.create()
      await writeFile(folder.path('mine.mp4'), 'mine')
      const order = { ...orderOf(folder, small.md5), output: 'mine.mp4' }
      await expect(getOne(order, testTools())).rejects.toMatchObject({ code: 'name-taken' })
      expect(await folder.names()).toEqual(['mine.mp4'])
      expect((await folder.read('mine.mp4')).toString()).toBe('mine')
      expect(await getOne({ ...order, force: true }, testTools())).toMatchObject({ state: 'got' })
      expect(md5(await folder.read('mine.mp4'))).toBe(small.md5)
    })

    it('something else that came while it was at it: leaves that, too', async () => {
      const folder = await GetFolder.create()
      const line = await downline()
      line.rate = 8 * MIB
      const getter = new Getter(orderOf(folder, large.md5, line.url))
      await getter.until(async () => (await folder.recorded('large.bin')) > 0)
      await writeFile(folder.path('large.bin'), 'mine')
      line.rate = Infinity
      expect(await getter.exited).toBe(1)
      expect(getter.output).toContain('Something else has this name already')
      expect((await folder.read('large.bin')).toString()).toBe('mine')
    })

    it('a link to nowhere or a folder in its way: leaves them', async () => {
      const folder = await GetFolder.create()
      await symlink(folder.path('elsewhere'), folder.path('link'))
      await mkdir(folder.path('假期 “一”.mp4'))
      const order = orderOf(folder, small.md5)
      await expect(getOne({ ...order, output: 'link' }, testTools())).rejects.toMatchObject({
        code: 'name-taken',
      })
      await expect(getOne({ ...order, force: true }, testTools())).rejects.toMatchObject({
        code: 'name-taken',
      })
      expect(await folder.names()).not.toContain('elsewhere')
    })

    it("somebody else's NAME.part: leaves it and takes another", async () => {
      const folder = await GetFolder.create()
      await writeFile(folder.path('mine.mp4.part'), 'of another program')
      await getOne({ ...orderOf(folder, small.md5), output: 'mine.mp4' }, testTools())
      expect(await folder.names()).toEqual(['mine.mp4', 'mine.mp4.part'])
      expect((await folder.read('mine.mp4.part')).toString()).toBe('of another program')
    })

    it('another process that is at it: says so, and lets it', async () => {
      const folder = await GetFolder.create()
      const line = await downline()
      line.rate = 8 * MIB
      const order = orderOf(folder, large.md5, line.url)
      const first = new Getter(order)
      await first.until(async () => (await folder.recorded('large.bin')) > 0)
      const second = new Getter(order)
      expect(await second.exited).toBe(3)
      expect(second.output).toContain('Another process is just getting this file')
      line.rate = Infinity
      expect(await first.exited, first.output).toBe(0)
      expect(md5(await folder.read('large.bin'))).toBe(large.md5)
    })
  })

  describe('to a pipe', () => {
    it('writes the bytes in order and nothing else, over a line that breaks', async () => {
      const folder = await GetFolder.create()
      const line = await downline()
      line.cutEvery = 3 * MIB
      const getter = new Getter({
        ...orderOf(folder, large.md5, line.url, { connections: 4 }),
        output: '-',
      })
      expect(await getter.exited, getter.output.slice(-500)).toBe(0)
      expect(md5(Buffer.concat(getter.stdout))).toBe(large.md5)
      expect(line.cuts).toBeGreaterThan(10)
      expect(await folder.names()).toEqual([])
    })

    it('ends with an error when the reader has gone', async () => {
      const folder = await GetFolder.create()
      const getter = new Getter({ ...orderOf(folder, large.md5), output: '-' })
      await getter.until(() => getter.stdout.length > 0)
      getter.child.stdout!.destroy()
      expect(await getter.exited).toBe(1)
      expect(getter.output).toContain('EPIPE')
    })
  })

  describe('when the server has wrong bytes under the name', () => {
    let promised: { bytes: Buffer; md5: string }
    beforeAll(async () => {
      promised = await store('rotten.bin', content(3 * MIB).bytes)
      await writeFile(join(server.files, `${promised.md5}.bin`), content(3 * MIB).bytes)
    })

    it('leaves no file, and ends with 4', async () => {
      const folder = await GetFolder.create()
      const getter = new Getter(orderOf(folder, promised.md5, server.url, { connections: 2 }))
      expect(await getter.exited, getter.output).toBe(4)
      expect(getter.output).toContain('Integrity error')
      expect(await folder.names()).toEqual([])
    })

    it('ends a pipe with 4', async () => {
      const folder = await GetFolder.create()
      const getter = new Getter({ ...orderOf(folder, promised.md5), output: '-' })
      expect(await getter.exited, getter.output.slice(-500)).toBe(4)
    })

    it('never touches what it should have replaced', async () => {
      const folder = await GetFolder.create()
      await writeFile(folder.path('mine'), 'mine')
      const order = { ...orderOf(folder, promised.md5, server.url, { force: true }), output: 'mine' }
      await expect(getOne(order, testTools())).rejects.toMatchObject({ code: 'wrong-content' })
      expect((await folder.read('mine')).toString()).toBe('mine')
    })
  })

  it('says that the server does not have it, at once', async () => {
    const folder = await GetFolder.create()
    const getter = new Getter(orderOf(folder, '0'.repeat(32)))
    expect(await getter.exited).toBe(1)
    expect(getter.output).toMatch(/does not have this file: http.*\(HTTP 404\)/)
    expect(getter.output).not.toContain('trying again')
    expect(await folder.names()).toEqual([])
  })

  describe('--all', () => {
    async function manifest(folder: GetFolder, rows: string[]): Promise<void> {
      await writeFile(folder.path('all.csv'), `\uFEFF${['path,size,md5,url', ...rows].join('\r\n')}\r\n`)
    }
    const url = (hash: string) => `${server.url}/files/${hash}.bin`

    it('brings every file to its path, and the second time nothing', async () => {
      const folder = await GetFolder.create()
      await manifest(folder, [
        `a/b/small.mp4,300000,${small.md5},${url(small.md5)}`,
        `"with ""quotes"", 逗号.bin",41943040,${large.md5},${url(large.md5)}`,
        `./.hidden,,,${url(small.md5)}`,
      ])
      const order = { ...folder.wishes(server.url), manifest: 'all.csv', output: 'out' }
      const getter = new Getter(order)
      expect(await getter.exited, getter.output).toBe(0)
      expect((await readdir(folder.path('out'), { recursive: true })).toSorted()).toEqual([
        '.hidden',
        'a',
        'a/b',
        'a/b/small.mp4',
        'with "quotes", 逗号.bin',
      ])
      expect(md5(await folder.read('out/a/b/small.mp4'))).toBe(small.md5)
      const again = new Getter(order)
      expect(await again.exited).toBe(0)
      expect(again.output).toContain('0 got, 3 here already, 0 failed')
    })

    it('never writes outside of the folder, and brings the others all the same', async () => {
      const folder = await GetFolder.create()
      await mkdir(folder.path('outside'))
      await mkdir(folder.path('out'))
      await symlink(folder.path('outside'), folder.path('out/way-out'))
      const hostile = [
        '../evil',
        'a/../../evil',
        'a/..',
        '..',
        '.',
        '',
        folder.path('evil'),
        '\\evil',
        'a\\..\\..\\evil',
        'C:\\evil',
        'way-out/evil',
        'way-out/deeper/evil',
      ]
      await manifest(folder, [
        ...hostile.map((path) => `${path},1,,${url(small.md5)}`),
        `good,1,,${url(small.md5)}`,
      ])
      const getter = new Getter({ ...folder.wishes(server.url), manifest: 'all.csv', output: 'out' })
      expect(await getter.exited, getter.output).toBe(1)
      expect(getter.output).toContain(`1 got, 0 here already, ${hostile.length} failed`)
      expect(await folder.names()).toEqual(['all.csv', 'out', 'outside'])
      expect(await readdir(folder.path('outside'))).toEqual([])
      expect((await readdir(folder.path('out'))).toSorted()).toEqual(['good', 'way-out'])
    })

    it('goes on after a file that fails, and ends with the gravest of what happened', async () => {
      const folder = await GetFolder.create()
      await manifest(folder, [
        `missing,1,,${url('0'.repeat(32))}`,
        `two-words,1,${large.md5},${url(small.md5)}`,
        `no-url,1,,http://example.org/`,
        `good,1,${small.md5},${url(small.md5)}`,
      ])
      const getter = new Getter({ ...folder.wishes(server.url), manifest: 'all.csv', output: undefined })
      expect(await getter.exited).toBe(2)
      expect(getter.output).toContain('1 got, 0 here already, 3 failed')
      expect(md5(await folder.read('good'))).toBe(small.md5)
    })

    it.each([
      ['path,size\na,1\n', 'names no column url'],
      ['path,url\n"a,b\n', ''],
      ['path,url\na,b,c,d\n', ''],
      ['', 'names no column path'],
    ])('refuses a manifest that is none: %j', async (text, why) => {
      const folder = await GetFolder.create()
      await writeFile(folder.path('all.csv'), text)
      const getter = new Getter({ ...folder.wishes(server.url), manifest: 'all.csv', output: undefined })
      expect(await getter.exited).toBe(2)
      expect(getter.output).toContain(`Not a manifest: all.csv (`)
      expect(getter.output).toContain(why)
      expect(await readFile(folder.path('all.csv'), 'utf8')).toBe(text)
    })
  })
})
