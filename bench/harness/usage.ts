import { readdir, readFile } from 'node:fs/promises'

/** The kernel counts processor time in hundredths of a second (proc(5), USER_HZ). */
const TICKS = 100

interface Status {
  id: number
  parent: number
  /** Seconds, with those of children that have ended. */
  cpu: number
}

/** Processor seconds, user and system, of a process and of all that it has started. */
export async function cpuOf(id: number): Promise<number> {
  return (await family(id)).reduce((sum, { cpu }) => sum + cpu, 0)
}

/** The most memory that a process and its children have had in use, in bytes: the sum of each one's most. */
export async function peakOf(id: number): Promise<number> {
  const members = await family(id)
  const peaks = await Promise.all(members.map((member) => memoryOf(member.id, 'VmHWM')))
  return peaks.reduce((sum, bytes) => sum + bytes, 0)
}

/** The memory that a process and its children have in use now, in bytes. */
export async function memoryNow(id: number): Promise<number> {
  const members = await family(id)
  const sizes = await Promise.all(members.map((member) => memoryOf(member.id, 'VmRSS')))
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}

async function memoryOf(id: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
}

async function family(id: number): Promise<Status[]> {
  const all = (await Promise.all((await readdir('/proc')).map(Number).filter(Boolean).map(statusOf))).flat()
  const members: Status[] = all.filter((status) => status.id === id)
  for (const member of members) members.push(...all.filter(({ parent }) => parent === member.id))
  return members
}

async function statusOf(id: number): Promise<Status[]> {
  const text = await readFile(`/proc/${id}/stat`, 'utf8').catch(() => '')
  // The program's name stands in brackets and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields.length < 15) return []
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return [{ id, parent: Number(fields[1]), cpu: ticks / TICKS }]
}
