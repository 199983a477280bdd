import { englishHelp } from './help.en.js'
import type { CommandTexts } from './messages.js'

/** The subcommands in English. */
export const englishCommands: CommandTexts = {
  ...englishHelp,
  usage: {
    unknownCommand: (word, nearest) =>
      `unknown command ${word}${nearest ? `, did you mean ferry ${nearest}?` : '.'} All of them: ferry help`,
    unknownOption: (option, nearest, command) =>
      `unknown option ${option}${nearest ? `, did you mean ${nearest}?` : ';'} see ferry help ${command}`,
    valueMissing: (option, command) => `${option} needs a value; see ferry help ${command}`,
    argumentMissing: (command) => `ferry ${command} needs to know what; see ferry help ${command}`,
    tooMany: (command) => `too many arguments (quote what contains spaces); see ferry help ${command}`,
    badArgument: (value, command) => `${value} is not possible here; see ferry help ${command}`,
    badValue: (label, value, expected) => `${label} can't be "${value}", expected ${expected}`,
    nameWithoutInput: '--name is for standard input alone: give - as the file, too',
    inputTwice: 'standard input (-) can be given only once',
    nothingToGet: 'nothing to get: give a URL, an MD5, or a list with --all',
    notAnItem: (item) => `${item} is neither an http(s) URL nor an MD5 of 32 hex digits`,
    outputForMany: 'several files do not go to one standard output: give --output a folder',
    strictWantsFiles: (item) => `--strict compares files: the MD5 ${item} alone does not tell a SHA-256`,
    tokenWanted: 'no token given: type it, or pipe it into ferry login',
  },
  expected: {
    text: 'some text',
    file: 'a path',
    address: 'host:port or an http(s) URL',
    duration: 'a duration such as 30s, 10m or 2h',
    count: 'a whole number from 1 to 64',
    connections: 'auto, or a whole number from 1 to 8',
    size: 'a size such as 500K, 64M or 2G',
    rate: 'bytes per second such as 500K or 5M',
    switch: '1 (on) or 0 (off)',
  },
  standing: {
    exists: (name, url) => `${name}: exists ${url}`,
    uploading: (name, percent, offset, size) => `${name}: uploading ${percent}% (${offset}/${size})`,
    uploadingUnsized: (name, offset) => `${name}: uploading (${offset} bytes so far)`,
    notfound: (name) => `${name}: notfound`,
    failed: (name, problem) => `${name}: error (${problem})`,
  },
  login: {
    prompt: (server) => `Token for ${server} (it will not be shown): `,
    saved: (server, path) => `Token for ${server} saved in ${path}`,
    forgotten: (server, path) => `Token for ${server} removed from ${path}`,
    nothingSaved: (server, path) => `No token for ${server} in ${path}`,
    terminal: 'what was typed',
    pipe: 'standard input',
    exposed: (path) => `[WARN] Others can read the saved tokens: chmod 600 ${path}`,
  },
}
