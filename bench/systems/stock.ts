import { join } from 'node:path'
import { run, type Command, type RunningServer, type Taken } from '../harness/process.js'
import { program, startIn } from './system.js'

/** The stock tus server behind Express. */
export function startStock(folder: string): Promise<RunningServer> {
  return startIn(folder, (port) => program('stock-server', String(port), folder))
}

/** What a user of the stock parts does to be sure: md5sum, upload, md5sum of the result. The sum of what they took. */
export async function stockUpload(server: RunningServer, folder: string, file: string): Promise<Taken> {
  const before = await md5sum(file)
  const sent = await run(stockClient(`${server.url}/tus`, file))
  const after = await md5sum(join(folder, sent.output.trim().split('/').at(-1)!))
  if (before.output.slice(0, 32) !== after.output.slice(0, 32))
    throw new Error('the stock upload is another file')
  const all = [before, sent, after]
  return {
    seconds: all.reduce((sum, { seconds }) => sum + seconds, 0),
    cpu: all.reduce((sum, { cpu }) => sum + cpu, 0),
    peak: Math.max(...all.map(({ peak }) => peak)),
    output: after.output,
    isOver: false,
  }
}

/** tus-js-client; it prints where the upload is. `parallel`: so many at once, of a part each. */
export function stockClient(endpoint: string, file: string, parallel = 1): Command {
  return program('stock-client', file, endpoint, String(parallel))
}

function md5sum(file: string): Promise<Taken> {
  return run({ program: 'md5sum', args: [file] })
}
