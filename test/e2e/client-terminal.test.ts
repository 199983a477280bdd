import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT, ClientHome } from '../support/client.js'
import { Line } from '../support/proxy.js'
import { TestServer } from '../support/server.js'
import { content } from '../support/tus.js'

const MIB = 1024 * 1024
/** script(1) of util-linux runs a command on a pseudo-terminal. */
const SCRIPT = 'script'
const hasScript = spawnSync(SCRIPT, ['--version']).stdout?.includes('util-linux')
const reason = hasScript ? '' : ' (skipped: no script(1) of util-linux here)'

describe.skipIf(!hasScript)(`the client on a terminal${reason}`, () => {
  let server: TestServer
  let home: ClientHome
  let line: Line
  beforeAll(async () => {
    server = await TestServer.start()
    home = await ClientHome.create()
    line = await Line.to(server.port)
    line.upRate = 12 * MIB
  })
  afterAll(() => Promise.all([line.close(), server.stop(), home.remove()]))

  /** All that the terminal received; `onOutput` may type. */
  async function onTerminal(
    args: string[],
    onOutput: (screen: string, type: (keys: string) => void) => void = () => undefined,
  ): Promise<{ screen: string; code: number | null }> {
    const command = [process.execPath, CLIENT, ...args].map((word) => `'${word}'`).join(' ')
    const env = { PATH: process.env['PATH'], TERM: 'xterm', FERRY_LANG: 'en', FERRY_STATE_DIR: home.state }
    const child = spawn(SCRIPT, ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    let screen = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text
      onOutput(screen, (keys) => void child.stdin.write(keys))
    })
    const [code] = (await once(child, 'close')) as [number | null]
    return { screen, code }
  }

  it('shows a bar with speed and time left instead of lines, and takes it away at the end', async () => {
    const path = await home.write('bar.bin', content(32 * MIB).bytes)
    const { screen, code } = await onTerminal(['-file', path, '-server', line.address])
    expect(code).toBe(0)
    expect(screen).toMatch(/MD5 bar\.bin \[/)
    expect(screen).toMatch(/Upload bar\.bin \[#+-*\] \d+\.\d\d% \S+ MiB\/32\.0 MiB \S+ MiB\/s ETA \d+s/)
    expect(screen).not.toContain('[PROGRESS]')
    // The last thing before the URL's line: the bar's line is cleared and the cursor is visible.
    expect(escaped(screen)).toMatch(/ESC\[\?25h[^\n]*ESC\[2K\[SUCCESS\] Uploaded: \S+\r\n$/)
  })

  it('stops on Ctrl-C with the bar gone, the cursor back and one line that says how to go on', async () => {
    const path = await home.write('ctrl-c.bin', content(48 * MIB).bytes)
    let isTyped = false
    const { screen, code } = await onTerminal(['-file', path, '-server', line.address], (seen, type) => {
      if (isTyped || !/Upload ctrl-c\.bin \[#/.test(seen)) return
      isTyped = true
      type('\u0003')
    })
    expect(code).toBe(130)
    expect(escaped(screen)).toMatch(
      /ESC\[\?25h[^\n]*ESC\[2K\[ERROR\] Interrupted\. The same command goes on .*\r\n$/,
    )
  })
})

function escaped(screen: string): string {
  return screen.replaceAll('\u001B', 'ESC')
}
