import type { Command } from 'commander'
import { bashScript } from './bash.js'
import { fishScript } from './fish.js'
import { zshScript } from './zsh.js'
import { outline } from './outline.js'

/** The completion script for a shell (bash, zsh or fish), made from the commands and their options. */
export function completionScript(shell: string | undefined, tree: Command): string {
  const commands = outline(tree)
  if (shell === 'zsh') return zshScript(commands)
  return shell === 'fish' ? fishScript(commands) : bashScript(commands)
}
