import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pause, type TestServer } from '../../support/server.js'
import { threadsOf, watch } from '../../support/strace.js'

/** Everything by which the server changes its disk or answers somebody; `?` where a machine may not have the call. */
export const CALLS =
  'openat,write,writev,pwrite64,pwritev,fdatasync,fsync,?link,linkat,?rename,?renameat,?renameat2,' +
  '?unlink,unlinkat,?truncate,ftruncate,?mkdir,mkdirat'

/** One system call, as strace has seen it. */
export interface Call {
  thread: number
  name: string
  /** The file it is about; `socket:[…]` where it is an answer. */
  path: string
  /** Whether strace made it fail. */
  injected: boolean
}

/** The calls of one name that one thread makes: strace counts these, 1, 2, 3 … */
export interface Lane {
  /** Which thread, in order of age: numbers change with every start, the order does not. */
  nth: number
  call: string
  /** The first file it is about. */
  path: string
}

/**
 * Lets something happen once under strace, and tells which threads make which calls in it. A thread's own wake-ups
 * (eventfd) don't count.
 */
export async function rehearse(
  server: TestServer,
  calls: string,
  act: () => Promise<unknown>,
): Promise<Lane[]> {
  const threads = await threadsOf(server.pid)
  const seen = await logged(async (log) => {
    const detach = await watch(server.pid, calls, log)
    try {
      await act()
      await pause(200) // what happens off the answer's path
    } finally {
      await detach()
    }
  })
  const lanes = new Map<string, Lane>()
  for (const { thread, name, path } of seen.filter((call) => isOurs(server, call))) {
    const lane = { nth: threads.indexOf(thread), call: name, path: path.replace(server.dir, '') }
    const key = `${lane.nth} ${name}`
    if (lane.nth >= 0 && !lanes.has(key)) lanes.set(key, lane)
  }
  return [...lanes.values()]
}

function isOurs(server: TestServer, { name, path }: Call): boolean {
  return path.startsWith(server.dir) || (name.startsWith('write') && path.startsWith('socket:'))
}

/** The calls that strace writes to a log while something is done. */
export async function logged(action: (log: string) => Promise<void>): Promise<Call[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ferry-calls-'))
  try {
    const log = join(folder, 'log')
    await action(log)
    return parse(await readFile(log, 'utf8'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A line is `31027 fsync(43</path>) = 0`, without the number where one thread was followed. */
function parse(text: string): Call[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(?:(\d+) +)?(\w+)\((.*)$/.exec(line)
    if (!match) return []
    const [, thread, name, rest] = match
    const path = (/^\d+<([^>]*)>/.exec(rest!) ?? /"([^"]*)"/.exec(rest!))?.[1] ?? ''
    return [{ thread: Number(thread ?? 0), name: name!, path, injected: line.includes('(INJECTED)') }]
  })
}

/** The number of a lane's thread in the process that runs now. */
export async function threadOf(server: TestServer, { nth }: Lane): Promise<number> {
  const thread = (await threadsOf(server.pid))[nth]
  if (thread === undefined) throw new Error(`the server has no thread ${nth}`)
  return thread
}
