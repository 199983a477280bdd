import type { OutlineCommand, OutlineOption } from './outline.js'

/** For a file `_ferry` in the `fpath`, or to be sourced after `compinit`. */
export function zshScript(commands: readonly OutlineCommand[]): string {
  return `#compdef ferry
_ferry() {
  local -a commands
  commands=(
${commands.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    _arguments '-file[]:file:_files' '-server[]:address:' '--retry-for[]:duration:'
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(zshCase).join('\n')}
    *) _files ;;
  esac
}
if [ "$funcstack[1]" = "_ferry" ]; then
  _ferry "$@"
else
  compdef _ferry ferry
fi
`
}

function zshCase({ name, argument, options }: OutlineCommand): string {
  const rest = argument === 'files' ? ["'*:file:_files'"] : []
  const words = typeof argument === 'string' ? [] : [quoted(`1:${name}:(${argument.join(' ')})`)]
  const lines = [...options.flatMap(zshOptions), ...words, ...rest].map((line) => `      ${line}`)
  return `    ${name}) _arguments -s \\\n${lines.join(' \\\n')} ;;`
}

function zshOptions({ short, long, description, isRepeatable, value }: OutlineOption): string[] {
  const text = description.replaceAll(/[\\[\]:]/g, String.raw`\$&`)
  const argument = value === undefined ? '' : `:${long.slice(2)}:${value === 'files' ? '_files' : ''}`
  const spellings = short ? [short, long] : [long]
  const others = isRepeatable ? '*' : `(${spellings.join(' ')})`
  return spellings.map((spelling) => quoted(`${others}${spelling}[${text}]${argument}`))
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
