import { add, faults, noFindings, type Bench, type Findings } from '../part.js'

/** So many servers at once; the machine has little more to give. */
const HANDS = 2

/** Does the tasks, two at a time, until the bench's rounds are used up; each is told how many are left. */
export async function together(
  bench: Bench,
  tasks: ((left: number) => Promise<Findings>)[],
): Promise<Findings> {
  const sum = noFindings()
  const queue = [...tasks]
  const work = async (): Promise<void> => {
    for (let task = queue.shift(); task && sum.rounds < bench.rounds; task = queue.shift()) {
      add(sum, await task(bench.rounds - sum.rounds))
      if (bench.isControl && faults(sum) > 0) queue.length = 0
    }
  }
  await Promise.all(Array.from({ length: HANDS }, work))
  return sum
}
