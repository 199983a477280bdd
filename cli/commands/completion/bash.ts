import type { OutlineCommand } from './outline.js'

/** For bash 3.2 and newer, without any help from the package bash-completion. */
export function bashScript(commands: readonly OutlineCommand[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  return `# bash completion for ferry
_ferry() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  local words="" files=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${names} -file -server --retry-for --help --version"
  else
    case "$command" in
${commands.map(bashCase).join('\n')}
      *)
        case "$before" in
          -file|--file|-f) files=yes ;;
          *) words="-file -server --retry-for --help --version" ;;
        esac ;;
    esac
  fi
  COMPREPLY=()
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$words" -- "$word")
  if [ -n "$files" ]; then
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$word")
    type compopt >/dev/null 2>&1 && compopt -o filenames 2>/dev/null
  fi
  return 0
}
complete -F _ferry ferry
`
}

function bashCase({ name, argument, options }: OutlineCommand): string {
  const spellings = options.flatMap(({ short, long }) => (short ? [short, long] : [long]))
  const valued = (offer: string) =>
    options
      .filter(({ value }) => value === offer)
      .flatMap(({ short, long }) => (short ? [short, long] : [long]))
      .join('|')
  const cases = [
    valued('files') && `          ${valued('files')}) files=yes ;;`,
    valued('nothing') && `          ${valued('nothing')}) ;;`,
    argument === 'files' &&
      `          *) case "$word" in -*) words="${spellings.join(' ')}" ;; *) files=yes ;; esac ;;`,
    argument !== 'files' && `          *) words="${[...wordsOf(argument), ...spellings].join(' ')}" ;;`,
  ]
  return `      ${name})
        case "$before" in
${cases.filter(Boolean).join('\n')}
        esac ;;`
}

function wordsOf(argument: OutlineCommand['argument']): readonly string[] {
  return typeof argument === 'string' ? [] : argument
}
