import { execFileSync } from 'node:child_process'
import type { RunningServer } from '../harness/process.js'
import { onPath, startIn } from './system.js'

export const TUSD_MISSING =
  'tusd is absent: `go install github.com/tus/tusd/v2/cmd/tusd@latest` and have it on PATH, or a release from its page'

/** Its version; undefined where it is not on PATH. */
export function tusdVersion(): string | undefined {
  const path = onPath('tusd')
  return path && (/Version: *(\S+)/.exec(execFileSync(path, ['-version']).toString())?.[1] ?? 'unknown')
}

/** With its own defaults, and quiet. */
export function startTusd(folder: string): Promise<RunningServer> {
  return startIn(folder, (port) => ({
    program: onPath('tusd')!,
    args: [
      '-host',
      '127.0.0.1',
      '-port',
      String(port),
      '-upload-dir',
      folder,
      '-base-path',
      '/tus/',
      '-show-greeting=false',
    ],
  }))
}
