import type { CommandTexts } from './messages.js'

/** The help pages in English. */
export const englishHelp = {
  intro: 'Carries big files over bad networks: resumes, stores the same content once, verifies its MD5.',
  usageLine: '<command> [options]',
  version: 'show the version',
  help: 'show this help',
  after: `One command's options and examples: ferry help <command>
A single file as always: ferry -file <file> [-server <host:port>]; see ferry --help
Language: FERRY_LANG=zh-CN|en, otherwise the locale of the system.
Proxies: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, as curl reads them.

Exit codes:
  0 all is well   1 failed   2 usage   3 another client is uploading   4 integrity   5 the server does not have it
  130 interrupted`,
  titles: {},
  examplesTitle: 'Examples:',
  variables: `Each option is also an environment variable: --retry-for is FERRY_RETRY_FOR, and so on; a switch is 1 or 0.
What is typed counts more. Results go to standard output, everything else to standard error.`,
  standard: (value) => ` (default: ${value})`,
  commands: {
    upload: {
      summary: 'upload files, folders, or standard input; prints the URL of each',
      argument: 'files, folders (with all that is in them), patterns, or - for standard input',
      examples: [
        'ferry upload film.mp4 -s files.example.org:8080',
        "ferry upload photos/ --exclude '*.tmp' --manifest photos.list",
        'tar c project | ferry upload - --name project.tar',
      ],
    },
    get: {
      summary: 'download what the server has; goes on where it stopped, and verifies',
      argument: 'URLs or MD5s',
      examples: [
        'ferry get http://files.example.org/files/5f6ad40f2d4013ac4aa429839c5207ad.mp4',
        'ferry get 5f6ad40f2d4013ac4aa429839c5207ad -o film.mp4',
        'ferry get --all photos.list -o photos/',
      ],
    },
    check: {
      summary:
        'what the server knows of files or MD5s; leaves with 0 (has all), 3 (some are arriving), 5 (some are missing)',
      argument: 'files, which are hashed first, or MD5s',
      examples: ['ferry check film.mp4', 'ferry check --json 5f6ad40f2d4013ac4aa429839c5207ad'],
    },
    link: {
      summary: 'print the permanent link of what is stored',
      argument: 'files, which are hashed first, or MD5s',
      examples: [
        'ferry link film.mp4',
        'ferry link 5f6ad40f2d4013ac4aa429839c5207ad | xclip',
        'ferry link film.mp4 --expires 7d',
      ],
    },
    login: {
      summary: 'save the token for a server, or forget it',
      argument: 'the server, as with --server',
      examples: [
        'ferry login https://files.example.org',
        'pass show ferry | ferry login https://files.example.org',
        'ferry login --logout https://files.example.org',
      ],
    },
    doctor: {
      summary: 'what is wrong between here and the server, with numbers; stores nothing',
      argument: 'an MD5 or URL that the server has, to measure the download',
      examples: [
        'ferry doctor -s files.example.org:8080',
        'ferry doctor --json 5f6ad40f2d4013ac4aa429839c5207ad',
      ],
    },
    completion: {
      summary: "print a shell's completion script",
      argument: 'bash, zsh or fish',
      examples: [
        'ferry completion bash > ~/.local/share/bash-completion/completions/ferry',
        'ferry completion zsh > "${fpath[1]}/_ferry"',
        'ferry completion fish > ~/.config/fish/completions/ferry.fish',
      ],
    },
    help: {
      summary: 'show the help of a command',
      argument: 'one of the commands',
      examples: ['ferry help upload'],
    },
  },
  flags: {
    server: 'host:port, host or URL (default: PUBLIC_URL, or HOST and HTTP_PORT, from .env)',
    token: 'the token for the server; others on this machine can see it, a file is safer',
    'token-file': 'a file with the token',
    ca: 'PEM file with authorities to trust, beside the usual ones',
    json: 'results as JSON, an object a line',
    quiet: 'only results, warnings and errors',
    'no-progress': 'no progress on standard error',
    'retry-for': 'how long to try again without any progress; 0 makes the first failure the last',
    concurrency: 'files at a time',
    'hash-first': 'compute the MD5 before the first byte is sent',
    strict: 'do not trust the MD5: the server must have the same SHA-256, else exit code 4',
    wait: 'wait while another client is uploading the same content',
    'limit-rate': 'at most so many bytes per second, for example 500K or 5M',
    'chunk-size': 'at most so many bytes in one request, for proxies with a limit',
    'dry-run': 'say what would be uploaded, send nothing',
    include: 'of folders only what matches; may be repeated',
    exclude: 'of folders nothing that matches; may be repeated',
    'max-size': 'leave larger files out',
    hidden: 'hidden files in folders, too',
    'follow-links': 'follow symbolic links in folders',
    manifest: 'write a list of what was uploaded',
    name: 'the file name of what comes from standard input',
    'no-cache': 'do not remember the MD5s of unchanged files',
    output: 'the file or folder to write to, - for standard output',
    all: 'everything in a list that upload --manifest has written',
    connections: 'connections for one file; auto: as many as help',
    force: 'overwrite what is there',
    expires: 'a signed link that opens closed files for so long, for example 7d; a year at most',
    logout: 'forget the token instead',
  },
} satisfies Partial<CommandTexts>
