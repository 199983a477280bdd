/** The subcommands, in the order of the help. */
export const COMMANDS = ['upload', 'get', 'check', 'link', 'login', 'doctor', 'completion', 'help'] as const

export type CommandName = (typeof COMMANDS)[number]

/** True where the command line is one of a subcommand's, or nearly; everything else is the documented call. */
export function startsWithCommand([first]: readonly string[]): boolean {
  return first !== undefined && (isCommand(first) || nearestCommand(first) !== undefined)
}

/** True for the name of a subcommand. */
export function isCommand(word: string): word is CommandName {
  return (COMMANDS as readonly string[]).includes(word)
}

/** The subcommand that somebody who typed `word` probably meant, or undefined. */
export function nearestCommand(word: string): CommandName | undefined {
  if (!/^[a-z]{2,12}$/i.test(word)) return undefined
  const [nearest] = COMMANDS.map((name) => ({ name, slips: slipsBetween(word.toLowerCase(), name) }))
    .filter(({ name, slips }) => slips <= (name.length > 4 ? 2 : 1))
    .sort((one, other) => one.slips - other.slips)
  return nearest?.name
}

/** How many letters have to be changed, added, dropped or swapped with the next (optimal string alignment). */
function slipsBetween(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= one.length; i++) {
    const row = [i]
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1]
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      const at = (up: number, left: number) => rows[i - up]?.[j - left] ?? Infinity
      const left = row[j - 1] ?? Infinity
      row.push(
        Math.min(at(1, 0) + 1, left + 1, at(1, 1) + (isSame ? 0 : 1), isSwap ? at(2, 2) + 1 : Infinity),
      )
    }
    rows.push(row)
  }
  return rows.at(-1)?.at(-1) ?? Infinity
}
