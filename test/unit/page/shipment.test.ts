import { expect, it, vi } from 'vitest'
import { Access } from '../../../page/engine/access.js'
import { Attempts } from '../../../page/engine/attempts.js'
import { createCard } from '../../../page/engine/card.js'
import { Problem } from '../../../page/engine/problem.js'
import type { Server } from '../../../page/engine/server.js'
import { Shipment } from '../../../page/engine/shipment.js'
import { Slots } from '../../../page/engine/slots.js'
import { transfer } from '../../../page/engine/transfer.js'

vi.mock('../../../page/engine/transfer.js')

it('a shipment takes a token that was given while the former one was being refused', async () => {
  const access = new Access({ read: () => 'former', write: () => undefined })
  const card = createCard('1', new File(['abc'], 'a.bin'), 'a.bin')
  const server = { uploadUrl: () => '' } as unknown as Server
  const shipment = new Shipment(card, new Attempts(card.step), () => undefined, {
    server,
    access,
    limit: { bytes: Infinity },
    slots: new Slots(),
    line: {},
  })
  const used: unknown[] = []
  vi.mocked(transfer).mockImplementation(({ headers }) => {
    used.push(headers['Authorization'])
    if (used.length > 1) return Promise.resolve()
    access.give('another', false)
    return Promise.reject(new Problem('token'))
  })
  const stop = new AbortController()
  const sent = shipment.send(() => Promise.resolve('0123'), stop.signal, Promise.resolve())
  sent.catch(() => undefined)
  await vi.waitFor(() => expect(used).toEqual(['Bearer former', 'Bearer another']))
  expect(access.state.value).toBe('fine')
  await sent
})
