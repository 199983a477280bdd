import { createLinks } from '#src/http/links.js'
import { tusDoor } from '#src/http/tus/door.js'
import { Intake } from '#src/intake/intake.js'
import { Fingerprints } from '#src/store/fingerprints.js'
import { Follower } from '#src/store/follower.js'
import { Inbox } from '#src/store/inbox.js'
import { Ledger } from '#src/store/ledger.js'
import { Shelf } from '#src/store/shelf.js'
import express from 'express'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { testFolder } from '../../support/folder.js'
import { LIMITLESS } from '../../support/intake-options.js'
import { tus } from '../../support/tus.js'

const HOUR = 3_600_000

describe('The tus door', () => {
  it('does not end an upload because the clock was set while it looked', async () => {
    const { intake, url } = await openDoor()
    const upload = tus.location(url, await tus.create(url, 1000))
    jumpAtEachLook(intake)
    expect((await tus.head(upload)).status).toBe(200)
    expect((await tus.patch(upload, 0, Buffer.alloc(500))).status).toBe(204)
    expect((await tus.patch(upload, 500, Buffer.alloc(500))).status).toBe(204)
  })

  it('tells with every answer to a sender when the idle upload will expire', async () => {
    const { url } = await openDoor()
    const created = await tus.create(url, 1000)
    const upload = tus.location(url, created)
    const patched = await tus.patch(upload, 0, Buffer.alloc(500))
    for (const { headers } of [created, patched, await tus.head(upload)]) {
      const left = Date.parse(headers.get('upload-expires')!) - Date.now()
      expect(Math.abs(left - HOUR)).toBeLessThan(60_000)
    }
    const last = await tus.patch(upload, 500, Buffer.alloc(500))
    expect(last.headers.has('upload-expires')).toBe(false)
  })
})

/** The door of a server whose uploads live for an hour. */
async function openDoor(): Promise<{ intake: Intake; url: string }> {
  const dir = testFolder()
  const files = join(dir, 'files')
  await Shelf.prepare(files)
  const { ledger } = await Ledger.open(files)
  const shelf = Shelf.open(files, ledger)
  const stores = {
    ledger,
    shelf,
    fingerprints: new Fingerprints(shelf, ledger, 60),
    inbox: await Inbox.open(join(dir, 'tmp')),
    follower: new Follower(1),
  }
  const intake = new Intake(stores, { ...LIMITLESS, ttlHours: 1 })
  const app = express().all(
    '/tus{/*rest}',
    tusDoor(intake, createLinks({ publicUrl: '', behindProxy: false, filesOrigin: '' })),
  )
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await stores.follower.close()
    await ledger.close()
  })
  return { intake, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** The wall clock goes ahead by hours, each time just after an upload was looked at. */
function jumpAtEachLook(intake: Intake): void {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const look = intake.look.bind(intake)
  vi.spyOn(intake, 'look').mockImplementation((id) => {
    const upload = look(id)
    vi.setSystemTime(Date.now() + 3 * HOUR)
    return upload
  })
}
