import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Access } from '../../../page/engine/access.js'
import { PiecesLine } from '../../../page/engine/pieces-line.js'
import { Problem } from '../../../page/engine/problem.js'
import { Server } from '../../../page/engine/server.js'
import { FakeRequest } from './fake-request.js'

const UPLOAD = '0123456789abcdef0123456789abcdef'
const FILE = new Blob(['abcdefghij'])
const json = (code: string) => JSON.stringify({ status: 'error', code, message: 'in words' })

/** A line for a file of ten bytes; the token, and what the page has sent over it. */
function setUp(token?: string) {
  const access = new Access({ read: () => token, write: () => undefined })
  const line = new PiecesLine(new Server('http://ferry.test/up', access), UPLOAD, FILE)
  const stop = new AbortController()
  const put = (start = 2, end = 6, onSent: (bytes: number) => void = () => undefined) => {
    const sent = line.put({ start, end }, stop.signal, onSent)
    sent.catch(() => undefined)
    return { sent, request: FakeRequest.last! }
  }
  return { line, stop, put }
}

describe('the way of a page’s pieces', () => {
  beforeEach(() => vi.stubGlobal('XMLHttpRequest', FakeRequest))
  afterEach(() => vi.unstubAllGlobals())

  it('puts a stretch where it belongs, and tells how far it is', async () => {
    const heard: number[] = []
    const { sent, request } = setUp('secret').put(2, 6, (bytes) => heard.push(bytes))
    expect([request.method, request.url]).toEqual(['POST', 'http://ferry.test/up/tus'])
    expect(request.headers).toMatchObject({
      'Tus-Resumable': '1.0.0',
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Concat': 'partial',
      'Upload-Length': '4',
      'Upload-Metadata': `of ${btoa(UPLOAD)},at ${btoa('2')}`,
      Authorization: 'Bearer secret',
    })
    expect(await request.body!.text()).toBe('cdef')
    request.progress(1)
    request.progress(4)
    request.answer(201, { 'Upload-Offset': '3' })
    expect(await sent).toBe(3)
    expect(heard).toEqual([1, 4])
  })

  it.each([
    ['more than was sent', '999', 4],
    ['no number', 'lots', 0],
    ['less than nothing', '-1', 0],
  ])('believes no server that has %s', async (_, offset, bytes) => {
    const { sent, request } = setUp().put()
    request.answer(201, { 'Upload-Offset': offset })
    expect(await sent).toBe(bytes)
  })

  it.each([
    [200, '<h1>Welcome</h1>', 'busy'],
    [401, '', 'token'],
    [404, json('not-found'), 'gone'],
    [409, json('offset-conflict'), 'busy'],
    [413, '<html>nginx</html>', 'body-limit'],
    [460, json('md5-mismatch'), 'mismatch'],
    [507, json('disk-full'), 'disk-full'],
  ])('takes %i %s for %s', async (status, body, kind) => {
    const { sent, request } = setUp().put()
    request.answer(status, {}, body)
    await expect(sent).rejects.toMatchObject({ kind })
  })

  it('blames the line for a request that fails, and the file where that can’t be read', async () => {
    const { sent, request } = setUp().put()
    request.fail()
    await expect(sent).rejects.toMatchObject({ kind: 'unreachable' })
    const other = setUp().put()
    other.request.body!.slice = () => {
      throw new DOMException('gone', 'NotReadableError')
    }
    other.request.fail()
    await expect(other.sent).rejects.toMatchObject({ kind: 'unreadable' })
  })

  it('stops when it is told to', async () => {
    const { put, stop } = setUp()
    const { sent, request } = put()
    stop.abort(new Error('paused'))
    await expect(sent).rejects.toThrow('paused')
    expect(request.isAborted).toBe(true)
    const late = put()
    await expect(late.sent).rejects.toThrow('paused')
    expect(late.request.body).toBeUndefined()
  })

  it.each([
    [{ 'Upload-Offset': '3', 'Ferry-Ahead': '5-7,8-9' }, [0, 3, 5, 7, 8, 9]],
    [{ 'Upload-Offset': '3', 'Ferry-Ahead': 'none' }, [0, 3]],
    [{ 'Upload-Offset': '10' }, [0, 10]],
  ])('hears what the server has: %o', async (headers, edges) => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response(null, { headers })))
    const { line, stop } = setUp()
    expect((await line.stand(stop.signal)).flatMap(({ start, end }) => [start, end])).toEqual(edges)
  })

  it('does not take a page of some proxy for the server’s word', async () => {
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('<h1>Welcome</h1>')))
    const { line, stop } = setUp()
    await expect(line.stand(stop.signal)).rejects.toMatchObject({ kind: 'busy' })
  })

  it.each([
    [new Problem('unreachable'), 300],
    [new Problem('busy', '', 0, 'offset-conflict'), 0],
    [new Problem('busy', '', 1000, 'too-many'), 1000],
    [new Problem('busy', '', 3_600_000, 'too-many'), 2000],
    // It may be complete: the next look tells.
    [new Problem('gone'), 0],
    // Of these the card tells.
    [new Problem('busy'), undefined],
    [new Problem('silent'), undefined],
    [new Problem('disk-full'), undefined],
    [new Problem('token'), undefined],
    [new Error('?'), undefined],
  ])('waits after %s for %s ms', (error, milliseconds) => {
    expect(setUp().line.patience(error)).toBe(milliseconds)
  })
})
