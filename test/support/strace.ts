import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'

/** Lets the followed process go. */
export type Detach = () => Promise<void>

/**
 * Follows a running process with strace and meddles with its system calls, for example `link:signal=SIGKILL:when=1` or
 * `fsync:error=EIO:when=1`. Counts are per thread, so run the process with UV_THREADPOOL_SIZE=1. `thread`: only this
 * one. `log`: where strace writes down what it saw; of the calls `beside` the injected one, too.
 */
export async function inject(
  pid: number,
  injection: string,
  { thread, beside, log = '/dev/null' }: { thread?: number; beside?: string; log?: string } = {},
): Promise<Detach> {
  const call = injection.split(':')[0]!
  const traced = beside === undefined ? call : `${call},${beside}`
  const args = ['-e', `trace=${traced}`, '-e', `inject=${injection}`]
  if (thread === undefined) return follow(pid, await threadsOf(pid), ['-f', ...args], log)
  return follow(thread, [thread], args, log)
}

/** Only writes down the calls that every thread of a process makes, one a line, with its thread's number in front. */
export async function watch(pid: number, calls: string, log: string): Promise<Detach> {
  return follow(pid, await threadsOf(pid), ['-f', '-e', `trace=${calls}`], log)
}

/** The threads of a process, oldest first. */
export async function threadsOf(pid: number): Promise<number[]> {
  const names = await readdir(`/proc/${pid}/task`)
  return names.map(Number).toSorted((a, b) => a - b)
}

async function follow(id: number, threads: number[], args: string[], log: string): Promise<Detach> {
  const quiet = ['-q', '-y', '-s', '0', '-e', 'signal=none']
  const strace = spawn('strace', [...quiet, ...args, '-o', log, '-p', String(id)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await attached(strace, threads)
  return async () => {
    if (strace.exitCode !== null || strace.signalCode !== null) return
    const exited = once(strace, 'exit')
    // The kernel lets the followed process go when its tracer dies; strace's own way of leaving can hang.
    strace.kill('SIGKILL')
    await exited
  }
}

/** strace says nothing when it has attached to every thread, but the kernel does. */
async function attached(strace: ChildProcess, threads: number[]): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (strace.exitCode !== null) throw new Error(`strace ended: ${String(strace.stderr?.read())}`)
    const states = await Promise.all(
      threads.map((thread) => readFile(`/proc/${thread}/status`, 'utf8').catch(() => '')),
    )
    if (states.every((state) => /^TracerPid:\s+[1-9]/m.test(state))) return
    await new Promise((resolve) => void setTimeout(resolve, 10))
  }
  strace.kill('SIGKILL')
  throw new Error('strace did not attach')
}
