import { execFile } from 'node:child_process'
import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { type Counted, counted } from './counted.js'

const PATIENCE_MS = 2000

/**
 * What Linux tells of the connections that an agent has open, by the program `ss`. Undefined where there is no such program,
 * or where it says nothing of them: other systems, old versions, connections that are closed already.
 */
export async function countOf(agent: Agent): Promise<Counted | undefined> {
  const filter = [agent.sockets, agent.freeSockets]
    .flatMap((sockets) => Object.values(sockets).flatMap((each) => each ?? []))
    .flatMap(({ localPort, remotePort }: Socket) =>
      localPort && remotePort ? [`( sport = :${localPort} and dport = :${remotePort} )`] : [],
    )
  return filter.length === 0 ? undefined : counted(await outputOf('ss', ['-tinH', filter.join(' or ')]))
}

/** What a program prints; nothing where it is not there or fails. */
function outputOf(program: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: PATIENCE_MS }, (error, stdout) => resolve(error ? '' : stdout))
  })
}
