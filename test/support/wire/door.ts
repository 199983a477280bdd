import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Side, Wire } from './wire.js'

/**
 * A door into one end of a wire, beside the line: who knocks at the port that it resolves with speaks to that port of the
 * end's own. It holds nobody up, and what goes through it is killed with the wire at the latest.
 */
export async function openDoor(wire: Wire, side: Side, port: number): Promise<number> {
  const code = `
    const socket = net.connect(${port}, '127.0.0.1').on('error', () => process.exit())
    process.stdin.pipe(socket).pipe(process.stdout)`
  const { program, args } = wire.in(side, process.execPath, ['-e', code])
  const server = createServer((here) => {
    const there = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    here.pipe(there.stdin).on('error', () => here.destroy())
    there.stdout.pipe(here).on('error', () => there.kill())
    here.on('close', () => there.kill())
  })
  server.listen(0, '127.0.0.1').unref()
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
