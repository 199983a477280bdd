import { describe, expect, it } from 'vitest'
import { ClientError } from '#cli/errors.js'
import type { LocalFile } from '#cli/local-file.js'
import type { Flow } from '#cli/sending/flow.js'
import { PiecesLine } from '#cli/sending/pieces-line.js'
import type { Server } from '#cli/server.js'

describe('PiecesLine', () => {
  const line = new PiecesLine({} as Server, 'http://a.example/tus/1', {} as LocalFile, {} as Flow)
  const trouble = (status: number, retryAfterMs?: number): ClientError =>
    new ClientError('server-trouble', { status }, retryAfterMs === undefined ? {} : { retryAfterMs })

  it('gives a line that has failed a moment, and the server as long as it asks for', () => {
    expect(line.patience(new ClientError('line-down'))).toBe(300)
    expect(line.patience(trouble(503))).toBe(300)
    expect(line.patience(trouble(429, 1000))).toBe(1000)
  })

  it('looks at once where the bytes are there already', () => {
    expect(line.patience(trouble(409))).toBe(0)
  })

  it('leaves a long pause to whoever knows how long it may be', () => {
    expect(line.patience(trouble(429, 86_400_000))).toBe(undefined)
  })
})
