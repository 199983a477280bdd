import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT, ClientHome } from '../support/client.js'
import { TestServer } from '../support/server.js'

/** script(1) of util-linux runs a command on a pseudo-terminal. */
const SCRIPT = 'script'
const hasScript = spawnSync(SCRIPT, ['--version']).stdout?.includes('util-linux')
const reason = hasScript ? '' : ' (skipped: no script(1) of util-linux here)'

describe.skipIf(!hasScript)(`login on a terminal${reason}`, () => {
  let server: TestServer
  let home: ClientHome
  beforeAll(async () => {
    server = await TestServer.start()
    home = await ClientHome.create()
  })
  afterAll(() => Promise.all([server.stop(), home.remove()]))

  /** Types when it is asked; all that the terminal showed, and the exit code. */
  async function login(keys: string): Promise<{ screen: string; code: number | null }> {
    const command = `'${process.execPath}' '${CLIENT}' login ${server.address}`
    const env = { PATH: process.env['PATH'], TERM: 'xterm', FERRY_LANG: 'en', XDG_CONFIG_HOME: home.config }
    const child = spawn(SCRIPT, ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    let screen = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!screen.includes('not be shown') && `${screen}${text}`.includes('not be shown'))
        child.stdin.write(keys)
      screen += text
    })
    const [code] = (await once(child, 'close')) as [number | null]
    return { screen, code }
  }

  it('does not show what is typed, and understands corrections', async () => {
    const { screen, code } = await login('sesane\u007F\u007Fme\r')
    expect(code).toBe(0)
    expect(screen).toMatch(/Token for \S+ \(it will not be shown\): \r?\n/)
    expect(screen).not.toMatch(/ses/)
    const path = join(home.config, 'ferry', 'tokens.json')
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ [server.url]: 'sesame' })
  })

  it('leaves on Ctrl-C', async () => {
    const { screen, code } = await login('ses\u0003')
    expect(code).toBe(130)
    expect(screen).toMatch(/\[ERROR\] Interrupted/)
  })
})
