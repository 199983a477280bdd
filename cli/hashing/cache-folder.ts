import { homedir } from 'node:os'
import { join } from 'node:path'

/** The folder for what can be made anew; FERRY_CACHE_DIR overrides the platform's place. */
export function cacheFolder(
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
  home = homedir(),
): string {
  if (env['FERRY_CACHE_DIR']) return env['FERRY_CACHE_DIR']
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'ferry', 'cache')
  }
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'ferry')
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'ferry')
}
