import type { CommandTexts } from './messages.js'

/** The help pages in Chinese. */
export const chineseHelp = {
  intro: '在不稳定的网络上传输大文件: 断点续传，同一内容只存一份，并校验 MD5。',
  usageLine: '<命令> [选项]',
  version: '显示版本',
  help: '显示帮助',
  after: `某个命令的选项和示例: ferry help <命令>
单个文件仍可使用: ferry -file <文件> [-server <host:port>]，详见 ferry --help
语言: FERRY_LANG=zh-CN|en，否则取自系统区域设置。
代理: HTTP_PROXY、HTTPS_PROXY、ALL_PROXY、NO_PROXY，含义与 curl 相同。

退出码:
  0 一切正常   1 失败   2 用法错误   3 其他客户端正在上传   4 完整性错误   5 服务器上没有
  130 被中断`,
  titles: { 'Usage:': '用法:', 'Arguments:': '参数:', 'Options:': '选项:', 'Commands:': '命令:' },
  examplesTitle: '示例:',
  variables: `每个选项也可用环境变量设置: --retry-for 即 FERRY_RETRY_FOR，以此类推；开关为 1 或 0。
命令行优先。结果写到标准输出，其余写到标准错误。`,
  standard: (value) => `（默认 ${value}）`,
  commands: {
    upload: {
      summary: '上传文件、文件夹或标准输入，输出各自的 URL',
      argument: '文件、文件夹（含其中全部内容）、通配符，或 - 表示标准输入',
      examples: [
        'ferry upload film.mp4 -s files.example.org:8080',
        "ferry upload photos/ --exclude '*.tmp' --manifest photos.list",
        'tar c project | ferry upload - --name project.tar',
      ],
    },
    get: {
      summary: '下载服务器上的内容，可断点续传并校验',
      argument: 'URL 或 MD5',
      examples: [
        'ferry get http://files.example.org/files/5f6ad40f2d4013ac4aa429839c5207ad.mp4',
        'ferry get 5f6ad40f2d4013ac4aa429839c5207ad -o film.mp4',
        'ferry get --all photos.list -o photos/',
      ],
    },
    check: {
      summary: '查询服务器对文件或 MD5 的了解；退出码 0 全部已有，3 有的正在上传，5 有的不存在',
      argument: '文件（先计算 MD5）或 MD5',
      examples: ['ferry check film.mp4', 'ferry check --json 5f6ad40f2d4013ac4aa429839c5207ad'],
    },
    link: {
      summary: '输出已存储内容的永久链接',
      argument: '文件（先计算 MD5）或 MD5',
      examples: [
        'ferry link film.mp4',
        'ferry link 5f6ad40f2d4013ac4aa429839c5207ad | xclip',
        'ferry link film.mp4 --expires 7d',
      ],
    },
    login: {
      summary: '保存服务器的令牌，或将其删除',
      argument: '服务器，写法同 --server',
      examples: [
        'ferry login https://files.example.org',
        'pass show ferry | ferry login https://files.example.org',
        'ferry login --logout https://files.example.org',
      ],
    },
    doctor: {
      summary: '诊断与服务器之间的问题并给出数字，不存储任何内容',
      argument: '服务器上已有内容的 MD5 或 URL，用于测量下载速度',
      examples: [
        'ferry doctor -s files.example.org:8080',
        'ferry doctor --json 5f6ad40f2d4013ac4aa429839c5207ad',
      ],
    },
    completion: {
      summary: '输出 shell 的补全脚本',
      argument: 'bash、zsh 或 fish',
      examples: [
        'ferry completion bash > ~/.local/share/bash-completion/completions/ferry',
        'ferry completion zsh > "${fpath[1]}/_ferry"',
        'ferry completion fish > ~/.config/fish/completions/ferry.fish',
      ],
    },
    help: { summary: '显示命令的帮助', argument: '某个命令', examples: ['ferry help upload'] },
  },
  flags: {
    server: '服务器: host:port、host 或 URL（默认取自 .env 的 PUBLIC_URL，或 HOST 和 HTTP_PORT）',
    token: '服务器的令牌；本机其他用户可以看到，用文件更安全',
    'token-file': '含有令牌的文件',
    ca: '额外信任的证书颁发机构（PEM 文件）',
    json: '结果为 JSON，每行一个对象',
    quiet: '只输出结果、警告和错误',
    'no-progress': '不在标准错误上显示进度',
    'retry-for': '没有任何进展时最多重试多久；0 表示首次失败即停止',
    concurrency: '同时上传的文件数',
    'hash-first': '发送之前先计算 MD5',
    strict: '不信任 MD5：服务器上内容的 SHA-256 也必须相同，否则退出码 4',
    wait: '其他客户端正在上传同一内容时等待',
    'limit-rate': '每秒最多字节数，例如 500K、5M',
    'chunk-size': '单个请求最多字节数，用于有限制的代理',
    'dry-run': '只说明将上传什么，不发送',
    include: '文件夹中只取匹配的内容，可重复',
    exclude: '文件夹中排除匹配的内容，可重复',
    'max-size': '跳过更大的文件',
    hidden: '包括文件夹中的隐藏文件',
    'follow-links': '跟随文件夹中的符号链接',
    manifest: '写出已上传内容的清单',
    name: '标准输入内容的文件名',
    'no-cache': '不记忆未变动文件的 MD5',
    output: '写入的文件或文件夹，- 表示标准输出',
    all: '下载 upload --manifest 所写清单中的全部内容',
    connections: '单个文件的连接数；auto：有帮助就增加',
    force: '覆盖已有文件',
    expires: '签名链接，在此时长内可打开不公开的文件，例如 7d；最长一年',
    logout: '改为删除令牌',
  },
} satisfies Partial<CommandTexts>
