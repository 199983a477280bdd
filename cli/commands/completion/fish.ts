import type { OutlineCommand, OutlineOption } from './outline.js'

/** For `~/.config/fish/completions/ferry.fish`. */
export function fishScript(commands: readonly OutlineCommand[]): string {
  const first = `complete -c ferry -n __ferry_is_first`
  const lines = [
    ...commands.map(({ name, description }) => `${first} -a ${name} -d ${quoted(description)}`),
    `${first} -o file -r -F`,
    `${first} -o server -x`,
    ...commands.flatMap(fishCommand),
  ]
  return `# fish completion for ferry
function __ferry_is_first
  test (count (commandline -opc)) -eq 1
end
function __ferry_is
  set -l words (commandline -opc)
  test (count $words) -ge 2; and test "$words[2]" = "$argv[1]"
end
complete -c ferry -f
${lines.join('\n')}
`
}

function fishCommand({ name, argument, options }: OutlineCommand): string[] {
  const when = `complete -c ferry -n '__ferry_is ${name}'`
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
