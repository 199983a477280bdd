import { spawn, type ChildProcess } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { pause } from './server.js'

/** A program and all the processes that it starts. They can be ended, and looked at, together. */
export class ProcessGroup {
  readonly child: ChildProcess
  readonly #end = () => this.#signal()

  constructor(program: string, args: string[]) {
    this.child = spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
    // A group of its own does not end with the tests' process by itself.
    process.once('exit', this.#end)
  }

  /** SIGKILL to all of them. */
  async kill(): Promise<void> {
    this.#signal()
    await this.gone()
  }

  /** Resolves when none of them lives. */
  async gone(): Promise<void> {
    while ((await this.#members()).length > 0) await pause(10)
    process.off('exit', this.#end)
  }

  /**
   * What each of them was started with, and the bytes of memory that it takes. What they share is divided among them
   * (proportional set size), so that the sum is right.
   */
  async memory(): Promise<{ command: string; bytes: number }[]> {
    const look = async (pid: number) => {
      const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(await tell(pid, 'smaps_rollup')) ?? []
      return { command: await tell(pid, 'cmdline'), bytes: Number(kilobytes ?? 0) * 1024 }
    }
    return Promise.all((await this.#members()).map(look))
  }

  async #members(): Promise<number[]> {
    const pids = (await readdir('/proc')).map(Number).filter(Boolean)
    const isMember = async (pid: number) => {
      const stat = await tell(pid, 'stat')
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return state !== 'Z' && Number(group) === this.child.pid
    }
    const members = await Promise.all(pids.map(isMember))
    return pids.filter((_, index) => members[index])
  }

  #signal(): void {
    try {
      process.kill(-this.child.pid!, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** What the kernel tells of a process; nothing of one that has gone. */
function tell(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
}
