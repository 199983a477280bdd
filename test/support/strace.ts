import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'

/**
 * Follows a running process with strace and meddles with its system calls, for example `link:signal=SIGKILL:when=1` or
 * `fsync:error=EIO:when=1`. Counts are per thread, so run the process with UV_THREADPOOL_SIZE=1.
 */
export async function inject(pid: number, injection: string): Promise<() => Promise<void>> {
  const call = injection.split(':')[0]!
  const args = [
    '-f',
    '-q',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${injection}`,
    '-o',
    '/dev/null',
    '-p',
    String(pid),
  ]
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  await attached(strace, pid)
  return async () => {
    if (strace.exitCode !== null || strace.signalCode !== null) return
    const exited = once(strace, 'exit')
    // The kernel lets the followed process go when its tracer dies; strace's own way of leaving can hang.
    strace.kill('SIGKILL')
    await exited
  }
}

/** strace says nothing when it has attached to every thread, but the kernel does. */
async function attached(strace: ChildProcess, pid: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (strace.exitCode !== null) throw new Error(`strace ended: ${String(strace.stderr?.read())}`)
    const threads = await readdir(`/proc/${pid}/task`)
    const states = await Promise.all(
      threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/status`, 'utf8')),
    )
    if (states.every((state) => !/^TracerPid:\s+0$/m.test(state))) return
    await new Promise((resolve) => void setTimeout(resolve, 10))
  }
  throw new Error('strace did not attach')
}
