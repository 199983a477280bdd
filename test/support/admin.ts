import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { MAIN, type TestServer } from './server.js'

/** One of the operator's commands, run as he would: in the server's folder, with its settings. */
export async function admin(
  server: Pick<TestServer, 'dir' | 'env'>,
  ...args: string[]
): Promise<{ code: number | null; lines: string[]; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: server.dir,
    env: { PATH: process.env['PATH'], FERRY_LANG: 'en', ...server.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, lines: stdout.split('\n').filter((line) => line !== ''), stderr }
}

/** The same with `--json`: each line an object. */
export async function adminJson(
  server: Pick<TestServer, 'dir' | 'env'>,
  ...args: string[]
): Promise<Record<string, unknown>[]> {
  const { lines } = await admin(server, ...args, '--json')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}
