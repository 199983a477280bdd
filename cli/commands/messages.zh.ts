import { chineseHelp } from './help.zh.js'
import type { CommandTexts } from './messages.js'

/** The subcommands in Chinese. */
export const chineseCommands: CommandTexts = {
  ...chineseHelp,
  usage: {
    unknownCommand: (word, nearest) =>
      `未知命令 ${word}${nearest ? `，是否想用 ferry ${nearest}？` : '。'}全部命令见 ferry help`,
    unknownOption: (option, nearest, command) =>
      `未知选项 ${option}${nearest ? `，是否想用 ${nearest}？` : '，'}详见 ferry help ${command}`,
    valueMissing: (option, command) => `${option} 缺少值，详见 ferry help ${command}`,
    argumentMissing: (command) => `ferry ${command} 缺少参数，详见 ferry help ${command}`,
    tooMany: (command) => `参数过多（含空格时请加引号），详见 ferry help ${command}`,
    badArgument: (value, command) => `此处不能用 ${value}，详见 ferry help ${command}`,
    badValue: (label, value, expected) => `${label} 的值 "${value}" 无效，应为${expected}`,
    nameWithoutInput: '--name 仅用于标准输入，请同时以 - 作为文件',
    inputTwice: '标准输入 (-) 只能指定一次',
    nothingToGet: '没有要下载的内容，请给出 URL、MD5，或用 --all 指定清单',
    notAnItem: (item) => `${item} 既不是 http(s) URL，也不是 32 位十六进制 MD5`,
    outputForMany: '多个文件不能写入同一标准输出，请用 --output 指定文件夹',
    strictWantsFiles: (item) => `--strict 需要文件: 仅凭 MD5 ${item} 无法得知 SHA-256`,
    tokenWanted: '没有给出令牌，请输入，或通过管道传给 ferry login',
  },
  expected: {
    text: '文本',
    file: '路径',
    address: ' host:port 或 http(s) URL',
    duration: '时长，例如 30s、10m、2h',
    count: ' 1 到 64 的整数',
    connections: ' auto，或 1 到 8 的整数',
    size: '大小，例如 500K、64M、2G',
    rate: '每秒字节数，例如 500K、5M',
    switch: ' 1（开）或 0（关）',
  },
  standing: {
    exists: (name, url) => `${name}: exists ${url}`,
    uploading: (name, percent, offset, size) => `${name}: uploading ${percent}% (${offset}/${size})`,
    uploadingUnsized: (name, offset) => `${name}: uploading (已传 ${offset} 字节)`,
    notfound: (name) => `${name}: notfound`,
    failed: (name, problem) => `${name}: error (${problem})`,
  },
  login: {
    prompt: (server) => `${server} 的令牌（不会显示）: `,
    saved: (server, path) => `${server} 的令牌已保存到 ${path}`,
    forgotten: (server, path) => `已从 ${path} 删除 ${server} 的令牌`,
    nothingSaved: (server, path) => `${path} 中没有 ${server} 的令牌`,
    terminal: '键盘输入',
    pipe: '标准输入',
    exposed: (path) => `[WARN] 其他用户可以读取已保存的令牌，请运行 chmod 600 ${path}`,
  },
}
