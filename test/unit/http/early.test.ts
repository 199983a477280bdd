import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { answerEarly, type Farewell } from '#src/http/early.js'
import { pause } from '../../support/server.js'

const STEP = 100

describe('answerEarly', () => {
  let server: Server
  afterEach(() => new Promise<void>((resolve) => void server.close(() => resolve())))

  const answer = { status: 200, headers: { 'Content-Type': 'text/plain' }, body: 'known' }
  /** A sender that has announced a body to a server that answers at once. `heard`: what came back; `read`: how much the server has read. */
  async function sender(farewell: Farewell, length: number) {
    const state = { heard: '', failed: false, closed: false, read: -1 }
    server = createServer((req, res) => answerEarly(req, res, answer, farewell))
    server.on('connection', (other) => other.on('close', () => (state.read = other.bytesRead)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.setEncoding('latin1').on('data', (text: string) => (state.heard += text))
    socket.on('error', () => (state.failed = true)).on('close', () => (state.closed = true))
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`)
    return { socket, state }
  }
  const drip = async (socket: Socket, times: number) => {
    for (let time = 0; time < times; time++) {
      socket.write('.')
      await pause(STEP)
    }
  }

  it('answers before the body, and says that the connection will end', async () => {
    const { socket, state } = await sender({ drain: true, patience: 10_000 }, 1000)
    await expect.poll(() => state.heard).toMatch(/known$/)
    expect(state.heard).toMatch(/^HTTP\/1.1 200 OK\r\n/)
    expect(state.heard).toMatch(/\r\nConnection: close\r\n/i)
    expect(state.heard).toMatch(/\r\nContent-Length: 5\r\n/i)
    expect(state.closed).toBe(false)
    socket.destroy()
  })

  it('takes the rest from a slow sender, far beyond its patience with a silent one', async () => {
    const patience = 10 * STEP
    const { socket, state } = await sender({ drain: true, patience }, 25)
    await drip(socket, 24) // more than twice the patience
    expect(state.closed).toBe(false)
    await drip(socket, 1)
    await expect.poll(() => state.closed).toBe(true)
    expect(state).toMatchObject({ failed: false, heard: expect.stringMatching(/known$/) as string })
  })

  it('closes the connection of a sender that falls silent', async () => {
    const { state } = await sender({ drain: true, patience: STEP }, 1000)
    await expect.poll(() => state.closed, { timeout: 10_000 }).toBe(true)
    expect(state.heard).toMatch(/known$/)
  })

  it('reads nothing where that is not wanted, however much is sent', async () => {
    const { socket, state } = await sender({ drain: false, patience: 5 * STEP }, 500_000_000)
    socket.write(Buffer.alloc(100_000_000))
    await expect.poll(() => state.read, { timeout: 10_000 }).toBeGreaterThanOrEqual(0)
    expect(state.read).toBeLessThan(10_000_000)
  })

  it('keeps the connection of a sender that has sent all', async () => {
    server = createServer((req, res) => {
      req.resume().on('end', () => answerEarly(req, res, answer, { drain: true, patience: STEP }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: 'all' })
    expect(response.headers.get('connection')).not.toBe('close')
    expect(await response.text()).toBe('known')
    server.closeAllConnections()
  })
})
