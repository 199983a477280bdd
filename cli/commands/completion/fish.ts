import type { OutlineCommand, OutlineOption } from './outline.js'

export function fishScript(commands: readonly OutlineCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const isFirst = `not __fish_seen_subcommand_from ${names}`
  const lines = [
    'complete -c ferry -f',
    ...commands.map(
      ({ name, description }) => `complete -c ferry -n '${isFirst}' -a ${name} -d ${quoted(description)}`,
    ),
    `complete -c ferry -n '${isFirst}' -o file -r -F`,
    `complete -c ferry -n '${isFirst}' -o server -x`,
    ...commands.flatMap(fishCommand),
  ]
  return `# fish completion for ferry\n${lines.join('\n')}\n`
}

function fishCommand({ name, argument, options }: OutlineCommand): string[] {
  const when = `complete -c ferry -n '__fish_seen_subcommand_from ${name}'`
  const words = typeof argument === 'string' ? [] : [`${when} -a ${quoted(argument.join(' '))}`]
  const files = argument === 'files' ? [`${when} -F`] : []
  return [...files, ...words, ...options.map((option) => `${when} ${fishOption(option)}`)]
}

function fishOption({ short, long, description, value }: OutlineOption): string {
  const letter = short ? `-s ${short.slice(1)} ` : ''
  const argument = value === undefined ? '' : value === 'files' ? ' -r -F' : ' -x'
  return `${letter}-l ${long.slice(2)}${argument} -d ${quoted(description)}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`
}
