import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAIN, TestServer } from '../support/server.js'
import { testFolder } from '../support/folder.js'

const FILES = 5000

describe('a command whose answer nobody reads to its end', () => {
  let server: TestServer
  beforeEach(async () => {
    const dir = testFolder()
    await mkdir(join(dir, 'files'))
    const names = Array.from({ length: FILES }, (_, index) => index.toString(16).padStart(32, '0'))
    for (const name of names) await writeFile(join(dir, 'files', name), '')
    server = await TestServer.start({ dir, env: { SCRUB_DAYS: '0' } })
  })
  afterEach(() => server.stop())

  it('ends without a complaint, as in list | head', async () => {
    const list = spawn(process.execPath, [MAIN, 'list', '--json'], {
      cwd: server.dir,
      env: { FERRY_LANG: 'en' },
    })
    let complaint = ''
    list.stderr.on('data', (text: Buffer) => (complaint += text.toString()))
    list.stdout.once('data', () => list.stdout.destroy())
    const [code] = (await once(list, 'close')) as [number | null]
    expect(complaint).toBe('')
    expect(code).toBe(0)
  })
})
