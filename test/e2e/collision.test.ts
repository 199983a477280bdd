import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { admin, adminJson } from '../support/admin.js'
import { colliding, sha256 as sha256Of, type Colliding } from '../support/collision.js'
import { ask, filePart, formBytes, post } from '../support/form.js'
import { pause, TestServer } from '../support/server.js'
import { content, md5 as md5Of, offsetOf, tus } from '../support/tus.js'

const MIB = 1024 * 1024
/** One that comes whole, one that is followed, one that passes a checkpoint. */
const SIZES = [256, 300 * 1024, 65 * MIB]
const BODY = { 'Content-Type': 'application/offset+octet-stream' }

let server: TestServer
let seed = 0
beforeAll(async () => {
  server = await TestServer.start({ env: { SCRUB_DAYS: '0' } })
})
afterAll(() => server.stop())

const pair = (bytes: number): Colliding => colliding(bytes, ++seed)

const check = async (query: Record<string, string>, method = 'GET') => {
  const { status, body } = (await ask(server.url, `/check?${new URLSearchParams(query).toString()}`, {
    method,
  }))!
  return { http: status, ...(JSON.parse(body.toString()) as Record<string, unknown>) }
}

/** An upload by tus, all of it; the answer that decided. */
const send = async (bytes: Buffer, claim: Record<string, string>) => {
  const isWhole = bytes.length <= 256 * 1024
  const init = isWhole ? { body: new Uint8Array(bytes), headers: BODY } : {}
  const created = await tus.create(server.url, bytes.length, claim, init)
  if (isWhole || created.status !== 201) return answerOf(created)
  return answerOf(await tus.patch(tus.location(server.url, created), 0, bytes))
}

const answerOf = async (response: Response) => {
  const text = await response.text()
  const reply = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  return { status: response.status, ...reply, http: response.status }
}

const form = (bytes: Buffer, query: Record<string, string>) =>
  post(server.url, formBytes({ head: filePart('a.bin'), body: bytes }), { query })

const bytesAt = async (md5: string) =>
  Buffer.from(await (await fetch(`${server.url}/files/${md5}.bin`)).arrayBuffer())

const refused = { http: 409, status: 'error', code: 'collision', message: expect.stringContaining('sha256') }

/** Nothing is left of what was refused, and of the first all is. */
const expectOnly = async ({ md5 }: Colliding, bytes: Buffer | undefined) => {
  expect(await server.inbox()).toEqual([])
  const here = (await server.shelf()).filter((name) => name.startsWith(md5))
  expect(here).toEqual(bytes ? [`${md5}.bin`] : [])
  if (bytes) expect((await bytesAt(md5)).equals(bytes)).toBe(true)
}

/** Bytes that the hash state of the last checkpoint covers. */
const hashedTo = (id: string): number => {
  const db = new Database(join(server.files, '.ledger', 'ledger.db'), { readonly: true })
  const row = db.prepare('SELECT hashed_to FROM uploads WHERE id=?').get(id) as { hashed_to: number }
  db.close()
  return row.hashed_to
}

/** As a ledger was before there were SHA-256s, or one that is made anew. */
const stopAndForgetSha256s = async () => {
  await server.terminate()
  const db = new Database(join(server.files, '.ledger', 'ledger.db'))
  db.exec('UPDATE contents SET sha256=NULL')
  db.close()
}

const forgetSha256s = async () => {
  await stopAndForgetSha256s()
  await server.start()
}

describe('two contents with one MD5', () => {
  it('are two that anybody can have', () => {
    const { md5, one, other } = colliding()
    expect(md5).not.toBe('')
    expect(one.bytes.equals(other.bytes)).toBe(false)
    for (const bytes of SIZES) {
      const { md5, one, other } = colliding(bytes)
      expect([md5Of(one.bytes), md5Of(other.bytes), one.sha256 === other.sha256]).toEqual([md5, md5, false])
    }
    expect(md5Of(one.bytes.subarray(0, 128))).toBe('79054025255fb1a26e4bc422aef54eb4')
  })

  for (const size of SIZES) {
    describe(`of ${size} bytes`, () => {
      it('are told apart by /check: who declares the other one never gets the URL of the first', async () => {
        const { md5, one, other } = pair(size)
        await send(one.bytes, { md5 })
        const url = `${server.url}/files/${md5}.bin`
        const exists = { http: 200, status: 'exists', url, size, sha256: one.sha256 }
        expect(await check({ md5, sha256: one.sha256.toUpperCase() })).toEqual(exists)
        expect(await check({ md5, sha256: other.sha256 })).toEqual(refused)
        expect(await check({ md5, sha256: other.sha256, wait: '1' })).toEqual(refused)
      })

      it('are told apart by tus before a byte is sent', async () => {
        const both = pair(size)
        const { md5, one, other } = both
        await send(one.bytes, { md5 })
        const created = await tus.create(server.url, size, { md5, sha256: other.sha256 })
        expect(created.headers.get('content-location')).toBeNull()
        expect(await answerOf(created)).toEqual(refused)
        expect(await send(other.bytes, { md5, sha256: other.sha256 })).toEqual(refused)
        await expectOnly(both, one.bytes)
        const same = await tus.create(server.url, size, { md5, sha256: one.sha256 })
        expect([same.status, await offsetOf(tus.location(server.url, same))]).toEqual([201, size])
      })

      it('are told apart by a form', async () => {
        const both = pair(size)
        const { md5, one, other } = both
        await send(one.bytes, { md5 })
        const answer = await form(other.bytes, { md5, sha256: other.sha256 })
        expect({ http: answer.status, ...answer.reply }).toEqual(refused)
        // Without the MD5 nobody can know before the last byte.
        const late = await form(other.bytes, { sha256: other.sha256 })
        expect({ http: late.status, ...late.reply }).toEqual(refused)
        await expectOnly(both, one.bytes)
        const same = await form(one.bytes, { md5, sha256: one.sha256 })
        expect(same).toMatchObject({ status: 200, reply: { status: 'exists', md5, sha256: one.sha256 } })
      })

      it('are not taken for each other where only one of them ever came', async () => {
        const both = pair(size)
        const { md5, one, other } = both
        expect(await send(one.bytes, { md5, sha256: other.sha256 })).toEqual(refused)
        const answer = await form(one.bytes, { md5, sha256: other.sha256 })
        expect({ http: answer.status, ...answer.reply }).toEqual(refused)
        await expectOnly(both, undefined)
        expect(await check({ md5 })).toEqual({ http: 200, status: 'notfound' })
        expect((await send(one.bytes, { md5, sha256: one.sha256 })).http).toBeLessThan(300)
        expect(await check({ md5 })).toMatchObject({ status: 'exists', sha256: one.sha256 })
      })

      it('stay apart while one of them is still arriving', async () => {
        const both = pair(size)
        const { md5, one, other } = both
        const created = await tus.create(server.url, size, { md5, sha256: other.sha256 })
        const stalled = tus.location(server.url, created)
        await tus.patch(stalled, 0, other.bytes.subarray(0, 100))
        const asked = await check({ md5, sha256: one.sha256 })
        expect(asked).toEqual({ http: 200, status: 'notfound', sha256: one.sha256 })
        expect(await check({ md5, sha256: other.sha256 })).toMatchObject({
          status: 'uploading',
          sha256: other.sha256,
        })
        expect((await send(one.bytes, { md5, sha256: one.sha256 })).http).toBeLessThan(300)
        expect(await answerOf(await tus.patch(stalled, 100, other.bytes.subarray(100)))).toEqual(refused)
        await expectOnly(both, one.bytes)
      })
    })
  }

  it('leave a second one that declares nothing to the first, unless its SHA-256 costs nothing', async () => {
    for (const [size, isTold] of [
      [512, true],
      [300 * 1024, true],
      [9 * MIB, false],
    ] as const) {
      const both = pair(size)
      const { md5, one, other } = both
      await send(one.bytes, {})
      await expect.poll(() => check({ md5 })).toMatchObject({ sha256: one.sha256 })
      const second = await send(other.bytes, {})
      if (isTold) expect(second).toEqual(refused)
      else expect(second.http).toBe(204)
      await expectOnly(both, one.bytes)
    }
  })

  it('are told apart by a beginning that somebody else has left', async () => {
    await server.terminate()
    await server.start({ LEASE_SECONDS: '1' })
    const both = pair(300 * 1024)
    const { md5, one, other } = both
    const { length } = one.bytes
    const left = await tus.create(server.url, length, { md5 })
    await tus.patch(tus.location(server.url, left), 0, other.bytes.subarray(0, 1000))
    await expect.poll(() => check({ md5 }), { timeout: 5000 }).toMatchObject({ status: 'notfound' })
    // The honest sender goes on with it: its MD5 will be right.
    const taken = await tus.create(server.url, length, { md5, sha256: one.sha256 })
    const url = tus.location(server.url, taken)
    expect(await offsetOf(url)).toBe(1000)
    expect(await answerOf(await tus.patch(url, 1000, one.bytes.subarray(1000)))).toEqual(refused)
    await expectOnly(both, undefined)
    expect((await send(one.bytes, { md5, sha256: one.sha256 })).http).toBe(204)
    await expectOnly(both, one.bytes)
  })

  it('are told apart by every request that declares one, with the pair of 2005', async () => {
    const { md5, one, other } = colliding()
    await send(one.bytes, { md5 })
    for (const { bytes, sha256 } of [other, { bytes: other.bytes, sha256: 'a'.repeat(64) }]) {
      expect(await check({ md5, sha256 })).toEqual(refused)
      expect(await send(bytes, { md5, sha256 })).toEqual(refused)
      expect((await form(bytes, { md5, sha256 })).status).toBe(409)
    }
    expect(await check({ md5, sha256: one.sha256 })).toMatchObject({ status: 'exists' })
  })

  it('are told apart when the MD5 is declared at the end', async () => {
    const both = pair(300 * 1024)
    const { md5, one, other } = both
    await send(one.bytes, {})
    const begin = async (bytes: Buffer) => {
      const created = tus.location(server.url, await tus.create(server.url, bytes.length))
      await tus.patch(created, 0, bytes.subarray(0, -1))
      return created
    }
    const url = await begin(other.bytes)
    const upload = url.split('/').at(-1)!
    expect(await check({ md5, upload, sha256: other.sha256 }, 'POST')).toEqual(refused)
    expect(await check({ md5, upload, sha256: one.sha256 }, 'POST')).toMatchObject({ status: 'exists' })
    await tus.terminate(url)

    const fresh = pair(300 * 1024)
    const late = await begin(fresh.other.bytes)
    const declared = { md5: fresh.md5, upload: late.split('/').at(-1)!, sha256: fresh.one.sha256 }
    expect(await check(declared, 'POST')).toMatchObject({ bound: true, sha256: fresh.one.sha256 })
    const last = await tus.patch(late, fresh.other.bytes.length - 1, fresh.other.bytes.subarray(-1))
    expect(await answerOf(last)).toEqual(refused)
    await expectOnly(fresh, undefined)
  })

  it('are told apart though the server was killed in between', async () => {
    const size = 3 * MIB
    for (const isRight of [false, true]) {
      const both = pair(size)
      const { md5, one, other } = both
      const sha256 = isRight ? one.sha256 : other.sha256
      const url = tus.location(server.url, await tus.create(server.url, size, { md5, sha256 }))
      let sent = size / 2
      await tus.patch(url, 0, one.bytes.subarray(0, sent))
      // Until the MD5 of what came first is kept with a checkpoint; the SHA-256 never is.
      for (; hashedTo(url.split('/').at(-1)!) === 0; sent++) {
        await pause(100)
        await tus.patch(url, sent, one.bytes.subarray(sent, sent + 1))
      }
      await server.kill()
      await server.start()
      const last = await tus.patch(url, sent, one.bytes.subarray(sent))
      if (isRight) expect(last.status).toBe(204)
      else expect(await answerOf(last)).toEqual(refused)
      await expectOnly(both, isRight ? one.bytes : undefined)
      const standing = isRight ? { status: 'exists', sha256: one.sha256 } : { status: 'notfound' }
      expect(await check({ md5 })).toMatchObject(standing)
    }
  })
})

describe('the SHA-256 of a content', () => {
  it('is known with a small file’s last byte', async () => {
    for (const size of [1000, 8 * MIB]) {
      const bytes = randomBytes(size)
      const md5 = md5Of(bytes)
      await send(bytes, { md5 })
      expect(await check({ md5 })).toMatchObject({ status: 'exists', sha256: sha256Of(bytes) })
    }
  })

  it('is known soon after it was stored, and told by /check, by /upload and to whoever downloads it', async () => {
    const bytes = randomBytes(9 * MIB)
    const [md5, sha256] = [md5Of(bytes), sha256Of(bytes)]
    await send(bytes, { md5 })
    await expect.poll(() => check({ md5 }), { timeout: 10_000 }).toMatchObject({ status: 'exists', sha256 })
    expect((await form(bytes, { md5 })).reply).toMatchObject({ status: 'exists', sha256 })
    const digest = `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
    for (const [method, headers] of [
      ['GET', {}],
      ['HEAD', {}],
      ['GET', { range: 'bytes=5-9' }],
    ] as const) {
      const file = (await ask(server.url, `/files/${md5}.bin`, { method, headers }))!
      expect(file.headers['repr-digest']).toBe(digest)
    }
    const beyond = (await ask(server.url, `/files/${md5}.bin`, {
      headers: { range: `bytes=${bytes.length}-` },
    }))!
    expect([beyond.status, beyond.headers['repr-digest']]).toEqual([416, undefined])
  })

  it('is computed after a restart where it is not there yet', async () => {
    const files = [content(1000), content(300_000)]
    for (const { bytes, md5 } of files) await send(bytes, { md5 })
    await forgetSha256s()
    for (const { bytes, md5 } of files)
      await expect.poll(() => check({ md5 }), { timeout: 30_000 }).toMatchObject({ sha256: sha256Of(bytes) })
  })

  it('is computed on the spot where it is asked for', async () => {
    const { md5, one, other } = pair(65 * MIB)
    await send(one.bytes, { md5 })
    await forgetSha256s()
    // To read them all at leisure takes some seconds: nobody has had the time.
    const created = await tus.create(server.url, one.bytes.length, { md5, sha256: other.sha256 })
    expect(await answerOf(created)).toEqual(refused)
    await forgetSha256s()
    expect(await check({ md5, sha256: other.sha256 })).toEqual(refused)
    expect(await check({ md5 })).toMatchObject({ sha256: one.sha256 })
  })

  it('is not believed of a file that only its name vouches for', async () => {
    const [said, here] = [content(1000), content(1000)]
    await writeFile(join(server.files, `${said.md5}.bin`), here.bytes)
    await server.kill()
    await server.start()
    const sha256 = sha256Of(said.bytes)
    expect(await check({ md5: said.md5, sha256 })).toEqual({ http: 200, status: 'notfound', sha256 })
    expect((await send(said.bytes, { md5: said.md5, sha256 })).http).toBeLessThan(300)
    expect((await bytesAt(said.md5)).equals(said.bytes)).toBe(true)
    expect(await check({ md5: said.md5 })).toMatchObject({ status: 'exists', sha256 })
  })

  it('must be one, at every door', async () => {
    const { md5, bytes } = content(10)
    const wrong = { status: 'error', code: 'bad-sha256', message: expect.stringMatching(/64 hex/) }
    for (const sha256 of ['', 'xyz', 'a'.repeat(63), 'a'.repeat(65), 'g'.repeat(64), md5]) {
      expect(await check({ md5, sha256 })).toEqual({ http: 400, ...wrong })
      const answer = await form(bytes, { md5, sha256 })
      expect(answer).toEqual({ status: 400, reply: wrong })
      expect(await send(bytes, { md5, sha256 })).toEqual({ http: 400, ...wrong })
    }
    const many = await check({ md5s: md5, sha256: 'a'.repeat(64) })
    expect(many).toMatchObject({ http: 400, code: 'bad-sha256' })
    expect(await check({ md5 })).toEqual({ http: 200, status: 'notfound' })
  })
})

describe('a file that was exchanged for another with the same MD5', () => {
  const exchange = async () => {
    const both = pair(300 * 1024)
    const { md5, one, other } = both
    await send(one.bytes, { md5, sha256: one.sha256 })
    await writeFile(join(server.files, `${md5}.bin`), other.bytes)
    return both
  }
  const quarantine = () => readdir(join(server.files, '.quarantine')).catch(() => [])

  it('is found by verify, and set aside', async () => {
    const { md5, one, other } = await exchange()
    expect(await adminJson(server, 'stat', md5)).toMatchObject([{ md5, sha256: one.sha256 }])
    const told = await admin(server, 'stat', md5)
    expect(told.lines.join('\n')).toMatch(new RegExp(`SHA-256 +${one.sha256}`))
    const finding = { kind: 'wrong-content', name: `${md5}.bin` }
    const detail = expect.stringContaining(`sha256 ${other.sha256}`)
    expect(await adminJson(server, 'verify')).toContainEqual({ ...finding, detail, mended: false })
    expect(await check({ md5 })).toMatchObject({ status: 'exists' })
    expect(await adminJson(server, 'verify', '--repair')).toContainEqual({ ...finding, detail, mended: true })
    expect(await check({ md5 })).toEqual({ http: 200, status: 'notfound' })
    expect(await quarantine()).toContainEqual(expect.stringContaining(md5))
  })

  it('is found by the scrub, and set aside', async () => {
    const { md5 } = await exchange()
    await server.terminate()
    await server.start({ SCRUB_DAYS: '0.0001' })
    await expect.poll(() => check({ md5 }), { timeout: 40_000 }).toEqual({ http: 200, status: 'notfound' })
    expect(await quarantine()).toContainEqual(expect.stringContaining(md5))
    const line = `${md5}.bin is not what its name says (sha256`
    await expect.poll(() => server.output.includes(line)).toBe(true)
  })

  it('is found the next time, where the SHA-256 was missing and the file read for its MD5', async () => {
    const { md5, bytes } = content(300 * 1024)
    await send(bytes, { md5 })
    await stopAndForgetSha256s()
    expect(await adminJson(server, 'stat', md5)).toMatchObject([{ sha256: null }])
    await admin(server, 'verify', '--repair')
    expect(await adminJson(server, 'stat', md5)).toMatchObject([{ sha256: sha256Of(bytes) }])
    await server.start()
  })
})
