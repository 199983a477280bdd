import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { find } from './tools.js'

/** Why no file system can be mounted here, to be put behind a title; empty where one can. */
export function mountTrouble(): string {
  const reason = process.getuid?.() !== 0 ? 'needs root' : find('mount') ? '' : 'no mount'
  if (reason && process.env['CI']) throw new Error(`a file system could not be mounted: ${reason}`)
  return reason && ` (skipped: ${reason})`
}

/** A small file system of its own; `unmount` removes it. */
export interface Mounted {
  dir: string
  unmount(): Promise<void>
}

export async function mountTmpfs(options: string): Promise<Mounted> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-tmpfs-'))
  return mount(dir, ['-t', 'tmpfs', '-o', options, 'tmpfs'])
}

async function mount(dir: string, args: string[]): Promise<Mounted> {
  run('mount', [...args, dir])
  return {
    dir,
    unmount: async () => {
      run('umount', [dir])
      await rm(dir, { recursive: true })
    },
  }
}

function run(program: string, args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
}
