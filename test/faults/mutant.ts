import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bench, Control, Findings } from './part.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** One place of the built code that is broken on purpose. */
export interface Break {
  /** The file below `dist/`. */
  file: string
  /** What stands there exactly once. */
  from: string
  to: string
}

/** A control: a server that is broken in these places; `run` strikes at it as at the right one. */
export function broken(
  title: string,
  breaks: Break[],
  run: (bench: Bench, command: string[]) => Promise<Findings>,
): Control {
  return {
    title,
    breaks,
    async run(bench) {
      const server = await mutant(breaks)
      try {
        return await run(bench, server.command)
      } finally {
        await server.remove()
      }
    },
  }
}

/** How often the text that a break replaces stands in the built code; a break that fits has one place. */
export async function placesOf({ file, from }: Break): Promise<number> {
  return (await readFile(join(ROOT, 'dist', file), 'utf8')).split(from).length - 1
}

/** A server that is broken on purpose: a copy of the build. `command` starts it, `remove` takes it away. */
interface Mutant {
  command: string[]
  remove(): Promise<void>
}

/** Copies the build and breaks it. Rejects where the text to be broken is not there exactly once. */
export async function mutant(breaks: Break[]): Promise<Mutant> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-mutant-'))
  await mkdir(dir, { recursive: true })
  await cp(join(ROOT, 'dist'), join(dir, 'dist'), { recursive: true })
  await cp(join(ROOT, 'package.json'), join(dir, 'package.json'))
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  for (const { file, from, to } of breaks) {
    const path = join(dir, 'dist', file)
    const text = await readFile(path, 'utf8')
    const places = text.split(from).length - 1
    if (places !== 1) throw new Error(`${file} has ${places} places with: ${from}`)
    await writeFile(
      path,
      text.replace(from, () => to),
    )
  }
  return {
    command: [process.execPath, join(dir, 'dist', 'src', 'main.js')],
    remove: () => rm(dir, { recursive: true, force: true }),
  }
}
