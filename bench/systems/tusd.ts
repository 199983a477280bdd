import { execFileSync } from 'node:child_process'
import type { Command, RunningServer } from '../harness/process.js'
import { onPath, startIn, type Host } from './system.js'

export const TUSD_MISSING =
  'tusd is absent: `go install github.com/tus/tusd/v2/cmd/tusd@latest` and have it on PATH, or a release from its page'

/** Its version; undefined where it is not on PATH. */
export function tusdVersion(): string | undefined {
  const path = onPath('tusd')
  return path && (/Version: *(\S+)/.exec(execFileSync(path, ['-version']).toString())?.[1] ?? 'unknown')
}

/** With its own defaults, and quiet. */
export function startTusd(folder: string, host?: Host): Promise<RunningServer> {
  const command = (port: number, uploads: string, address: string): Command => ({
    program: onPath('tusd')!,
    args: [
      '-host',
      address,
      '-port',
      String(port),
      '-upload-dir',
      uploads,
      '-base-path',
      '/tus/',
      '-show-greeting=false',
    ],
  })
  return startIn(folder, command, host)
}
