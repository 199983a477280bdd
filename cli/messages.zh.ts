import type { Facts } from './errors.js'
import type { Messages } from './messages.js'

/** The documented lines. Programs read them: they do not change. */
export const chinese: Messages = {
  usingServer: (server) => `[INFO] 使用服务器: ${server}`,
  hashing: (path) => `[INFO] 计算本地文件 MD5: ${path}`,
  hashingProgress: (name, percent, done, size) => `[INFO] 计算 MD5: ${name} ${percent}% (${done}/${size})`,
  hashed: (md5) => `[INFO] 文件 MD5: ${md5}`,
  checking: (url) => `[INFO] 预检 (GET) => ${url}`,
  alreadyThere: '[INFO] 服务器已有此文件，无需上传',
  uploading: (path, size) => `[INFO] 开始上传: ${path} (size=${size})`,
  goesOnFrom: (offset, size) => `[INFO] 断点续传: 从 ${offset}/${size} 继续`,
  uploadingProgress: (name, percent, done, size) => `[PROGRESS] ${name} ${percent}% (${done}/${size})`,
  startsOver: '[WARN] 断点之前的数据与文件 MD5 不一致，从头重新上传',
  waitingForOther: (path) => `[INFO] 其他客户端正在上传此文件，等待其完成: ${path}`,
  tryingAgain: (problem, seconds) => `[WARN] ${problem}，${seconds} 秒后重试`,
  changedSince: (path) => `[WARN] 上传的内容已通过校验，但本地文件此后有变动: ${path}`,
  success: (url) => `[SUCCESS] 上传结果: ${url}`,
  hashingLabel: '计算 MD5',
  uploadingLabel: '上传',
  timeLeft: (time) => `剩余 ${time}`,

  upload: {
    total: (done, files, isAll) => `${done}/${files}${isAll ? '' : '+'} 个文件`,
    about: (path, problem) => `${path}: ${problem}`,
    skipped: {
      'not-a-file': (path) => `[INFO] 已跳过，不是普通文件: ${path}`,
      link: (path) => `[INFO] 已跳过，是符号链接 (用 --follow-links 可跟随): ${path}`,
      loop: (path) => `[WARN] 已跳过，链接成环或指向已包含的内容: ${path}`,
      'too-large': (path) => `[INFO] 已跳过，超过 --max-size: ${path}`,
    },
    summary: ({ stored, known, failed, sent, seconds }) =>
      `[INFO] 已上传 ${stored} 个，秒传 ${known} 个，失败 ${failed} 个；共 ${sent}，用时 ${seconds}`,
    nothing: '[WARN] 没有可上传的文件',
    wouldSend: (path, size) => `将上传 (${size}): ${path}`,
    isKnown: (path, url) => `服务器已有: ${path} ${url}`,
    isArriving: (path) => `其他客户端正在上传: ${path}`,
    waitingLabel: '等待',
    reading: '标准输入',
    pipeProgress: (name, done) => `[PROGRESS] ${name} ${done}`,
  },

  problems: {
    'no-file-given': () => '未指定要上传的文件',
    'unknown-option': ({ subject }) => `未知选项: ${subject}`,
    'value-missing': ({ subject }) => `选项缺少值: ${subject}`,
    'unexpected-argument': ({ subject }) => `多余的参数: ${subject}（路径含空格时请加引号）`,
    'bad-server': ({ subject }) => `服务器地址无效: ${subject}（应为 host:port 或 http(s) URL）`,
    'bad-duration': ({ subject }) => `时长无效: ${subject}（例如 30s、10m、2h）`,
    'bad-usage': ({ reason }) => `用法错误: ${reason}`,
    'bad-proxy': ({ subject }) =>
      `环境变量 ${subject} 不是代理地址（应为 http://host:port、https:// 或 socks5://）`,
    'bad-ca': ({ subject }) => `此文件中没有证书: ${subject}（--ca 需要 PEM 文件）`,
    'bad-token': ({ subject }) => `${subject} 中没有可用的令牌（应为一行可见的 ASCII 字符）`,

    'file-missing': ({ subject }) => `文件不存在: ${subject}`,
    'file-unreadable': ({ subject, reason }) => `无法读取文件: ${subject} (${reason})`,
    'not-a-file': ({ subject }) => `不是普通文件: ${subject}`,
    'file-unwritable': ({ subject, reason }) => `无法写入文件: ${subject} (${reason})`,

    'host-unknown': ({ subject }) => `找不到服务器主机名: ${subject}`,
    'not-ferry': ({ subject, reason }) => `对方不是 ferry 服务器: ${subject} (${reason})`,
    untrusted: ({ subject, reason }) =>
      `${subject} 的证书不受信任 (${reason})；自建证书颁发机构请用 --ca 指定，详见 ferry doctor`,
    'not-allowed': ({ subject, status }) =>
      `${subject} 需要其他令牌 (HTTP ${status})，请运行 ferry login 或使用 --token-file`,
    'no-expiry': ({ subject }) =>
      `${subject} 不提供限时链接：其文件对持有链接的人一律开放。请去掉 --expires，或在服务器上设置 DOWNLOAD_TOKEN`,
    'proxy-refuses': ({ subject, status }) =>
      `代理 ${subject} 拒绝 (HTTP ${status})，请在代理变量中写明 http://用户:密码@host:port`,
    redirected: ({ subject }) => `服务器要求改用其他地址，请使用 -server ${subject}`,
    refused: ({ status, reason }) => `服务器拒绝 (HTTP ${status}${and(reason)})`,
    'too-large': ({ reason }) => `文件超过服务器允许的大小 (HTTP 413${and(reason)})`,
    'body-limit': () =>
      '途中的代理连 1 MiB 的请求都拒绝 (HTTP 413)：请调大它的限制 (nginx 为 client_max_body_size)',
    unconfirmed: () => '传输已完成，但服务器尚未确认存储',
    'not-stored': () => '传输多次完成，但服务器始终没有存储该文件',
    'line-down': ({ reason }) => `与服务器的连接中断 (${reason})`,
    stalled: ({ reason }) => `${reason} 秒内没有数据传输`,
    'server-trouble': ({ status, reason }) => `服务器暂时无法处理 (HTTP ${status}${and(reason)})`,
    'disk-full': ({ reason }) => `服务器磁盘空间不足 (HTTP 507${and(reason)})`,
    'upload-gone': ({ status }) => `服务器上的断点已失效 (HTTP ${status})`,
    'pipe-lost': () => '服务器丢失了来自标准输入的部分数据，而它无法重读：请重新运行命令',
    'gave-up': ({ subject }, cause) =>
      `${cause}；${subject} 内没有任何进展，已放弃。再次运行同样的命令即可继续`,
    unexpected: ({ reason }) => `意外错误: ${reason}`,

    'uploading-elsewhere': (facts) => `此文件正由其他客户端上传${progressOf(facts)}，请稍后再试`,

    'file-changed': ({ subject }) => `文件在上传过程中被修改，请重新运行: ${subject}`,
    mismatch: () => '完整性错误: 服务器收到的数据与文件 MD5 不一致，未存储任何内容',
    collision: () =>
      '完整性错误: 两个不同的文件 MD5 相同 (SHA-256 不同)。您的文件未存储，服务器上的不是您的文件',
    'no-sha256': ({ subject }) => `完整性错误: ${subject} 不比较 SHA-256，无法满足 --strict (版本过旧?)`,

    'unknown-content': ({ subject }) => `服务器上没有: ${subject}，请用 ferry upload 上传`,

    interrupted: () => '已中断。再次运行同样的命令即可从断点继续',
    terminated: () => '已终止。再次运行同样的命令即可从断点继续',

    'bad-source': ({ subject }) => `既不是 MD5（32 位十六进制），也不是包含 /files/<md5> 的 URL: ${subject}`,
    'bad-manifest': ({ subject, reason }) => `清单无效: ${subject} (${reason})`,
    'unsafe-path': ({ subject }) => `此路径超出目标文件夹，或无法在此系统上作为文件名: ${subject}`,
    'not-there': ({ subject, status }) => `服务器上没有此文件: ${subject} (HTTP ${status})`,
    'name-taken': ({ subject }) => `同名的其他内容已存在: ${subject}（请用 -o 另选名称，或用 --force 覆盖）`,
    unwritable: ({ subject, reason }) => `无法写入: ${subject} (${reason})`,
    'getting-elsewhere': ({ subject }) => `另一个进程正在下载此文件: ${subject}`,
    'wrong-content': ({ subject }) => `完整性错误: 服务器发来的内容与地址中的 MD5 不一致: ${subject}`,
  },
  error: (problem) => `[ERROR] ${problem}`,
  usageHint: '用法: ferry -file <文件> [-server <host:port>]，详见 ferry --help',
  help: {
    description: '在不稳定的网络上传输大文件: 断点续传，同一内容只存一份，并校验 MD5。',
    usage: '-file <文件> [-server <host:port>]',
    usageTitle: '用法:',
    optionsTitle: '选项:',
    file: '要上传的文件',
    server: '服务器: host:port、host 或 URL（默认取自 .env 的 HOST 和 HTTP_PORT）',
    retryFor: '没有任何进展时最多重试多久，例如 30s、10m、2h',
    help: '显示帮助',
    version: '显示版本',
    after: `
-file 与 --file 等价，-server 与 --server 等价。
文件夹、下载、诊断等更多命令: ferry help
语言: FERRY_LANG=zh-CN|en，否则取自系统区域设置。

退出码:
  0 已存储或已存在   1 失败   2 用法错误   3 其他客户端正在上传   4 完整性错误   130 被中断

示例:
  ferry -file example.mp4 -server 192.0.2.7:8080
  ferry -f example.mp4 -s https://files.example.org/ferry --retry-for 2h`,
  },
}

function and(reason: string | undefined): string {
  return reason ? `: ${reason}` : ''
}

function progressOf({ offset, size }: Facts): string {
  if (offset === undefined) return ''
  return size === undefined ? ` (已传 ${offset} 字节)` : ` (${offset}/${size})`
}
