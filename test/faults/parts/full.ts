import { mountDisk, mountTmpfs } from '../../support/mount.js'
import { find } from '../../support/tools.js'
import type { Ballast } from '../../support/ballast.js'
import { fill, fillAbandoned, SENDERS, type Filling } from '../filling.js'
import { broken, type Break } from '../mutant.js'
import { repeat, type Bench, type Control, type Findings, type Part } from '../part.js'

const MIB = 1024 * 1024

const tmpfs = (options: string) => () => mountTmpfs(options)
/** With blocks as large as the machine's pages, as any ext4 has that is not tiny. */
const ext4 =
  (...options: string[]) =>
  () =>
    mountDisk('ext4', 96, ['-m', '0', '-b', '4096', ...options])

const takeRoom = (ballast: Ballast) => ballast.takeRoom()
const takeInodes = (ballast: Ballast) => ballast.takeInodes()
const takeMost = (ballast: Ballast) => ballast.leave(6 * MIB)

const FILLINGS: Filling[] = [
  { title: 'a restart on a full tmpfs', mount: tmpfs('size=64m'), meanwhile: takeRoom, restarts: true },
  { title: 'a restart on a full ext4', mount: ext4(), meanwhile: takeRoom, restarts: true },
  {
    title: 'a restart on a full ext4 with small blocks',
    mount: () => mountDisk('ext4', 96, ['-m', '0', '-b', '1024']),
    meanwhile: takeRoom,
    restarts: true,
    mayDie: true,
  },
  { title: 'more than fits, on tmpfs', mount: tmpfs('size=64m'), before: takeMost },
  { title: 'more than fits, on ext4', mount: ext4(), before: takeMost },
  { title: 'no room from the beginning, on tmpfs', mount: tmpfs('size=64m'), before: takeRoom },
  { title: 'room that vanishes under way, on tmpfs', mount: tmpfs('size=64m'), meanwhile: takeRoom },
  { title: 'room that vanishes under way, on ext4', mount: ext4(), meanwhile: takeRoom },
  { title: 'no inode, on tmpfs', mount: tmpfs('size=64m,nr_inodes=100'), before: takeInodes },
  { title: 'inodes that run out, on ext4', mount: ext4('-N', '64'), meanwhile: takeInodes },
  { title: 'uploads that nobody goes on with, on tmpfs', mount: tmpfs('size=64m'), abandoned: true },
  { title: 'uploads that nobody goes on with, on ext4', mount: ext4(), abandoned: true },
]

/** Disks that fill up: no room, no room for the ledger, no inode; then there is room again, and everybody goes on. */
export const full: Part = {
  name: 'full',
  title: `full disks (tmpfs and ext4; room, ledger, inodes), ${SENDERS} senders by tus, pieces and form`,
  unit: 'fillings',
  rounds: { ci: FILLINGS.length, full: 10 * FILLINGS.length },
  trouble,
  run: (bench) => fillAll(bench, FILLINGS),
  controls: [
    control('a write that finds no room and counts', {
      file: 'src/intake/part-writer.js',
      from: "throw diskError(error, 'writing the part');",
      to: '',
    }),
    control(
      'a ledger that hides its failures',
      {
        file: 'src/store/ledger-worker.js',
        from: 'return { number: order.number, error: { message, code } };',
        to: 'return { number: order.number };',
      },
      // Only a start can show what the ledger did not keep.
      FILLINGS.filter(({ restarts }) => restarts),
    ),
  ],
}

function trouble(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root'
  const absent = ['mount', 'mkfs.ext4'].filter((program) => !find(program))
  return absent.length > 0 ? `${absent.join(', ')} not installed` : undefined
}

function control(title: string, place: Break, fillings = FILLINGS): Control {
  return broken(title, [place], (bench, command) => fillAll(bench, fillings, command))
}

/** One way of filling after the other, again and again. */
function fillAll(bench: Bench, fillings: Filling[], command?: string[]): Promise<Findings> {
  let turn = 0
  return repeat(bench, 1, (_, random) => {
    const filling = fillings[turn++ % fillings.length]!
    bench.say(filling.title)
    return (filling.abandoned ? fillAbandoned : fill)(filling, random, command)
  })
}
