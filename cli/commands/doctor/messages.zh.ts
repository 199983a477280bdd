import { formatBytes } from '../../speed.js'
import type { Level } from './finding.js'
import type { Choice } from './choice.js'
import type { DoctorTexts } from './messages.js'

const LEVELS: Record<Level, string> = { ok: '正常', warning: '警告', problem: '问题' }

const REASONS: Record<string, string> = {
  ECONNREFUSED: '该端口无人监听，服务器是否已启动、端口是否正确？',
  ETIMEDOUT: '没有应答，地址有误或防火墙丢弃了数据包',
  EHOSTUNREACH: '没有路由，请检查本机网络和地址',
  ENETUNREACH: '没有路由，请检查本机网络和地址',
  ECONNRESET: '连接被切断，可能是防火墙，或混用了 http 与 https',
}

const CAUSES = {
  line: '，线路丢包，每次丢包都会让连接变慢；改用网线代替 Wi-Fi 或许有用，多个连接也能缓解',
  full: '，线路占满时本就如此，不必担心',
  unknown: '',
}

/** The doctor in Chinese. */
export const chineseDoctor: DoctorTexts = {
  line: (level, step, text) => `${LEVELS[level]} ${step.padEnd(9)} ${text}`,
  well: (server) => `[INFO] 与 ${server} 之间一切正常`,
  ill: (server, problems) => `[INFO] 与 ${server} 之间有 ${problems} 个问题`,

  endsAt: (server, step) => `[INFO] 到 ${server} 的路止于此步: ${step}`,

  proxy: (proxy) => `请求经由代理 ${proxy}，例外见 NO_PROXY`,
  name: (host, addresses, ms) => `${host} 的地址是 ${addresses}（${ms} ms）`,
  nameless: (host, reason) => `${host} 没有地址 (${reason})，请检查拼写和本机 DNS`,
  connected: (where, ms) => `${where} 连接用时 ${ms} ms（3 次全部成功）`,
  lossy: (where, ms, lost, tries) =>
    `${where} 连接用时 ${ms} ms，但 ${tries} 次中有 ${lost} 次失败，线路丢包，请加大 --retry-for`,
  familyDead: (where, reason) => `${where} 无法连接（${withAdvice(reason)}），另一协议族可用`,
  unconnected: (where, reason) => `${where} 无法连接（${withAdvice(reason)}）`,

  noTls: (reason) => `无法建立 TLS 连接 (${reason})，该端口是否为 https？`,
  expired: (days, since) => `证书已过期 ${days} 天 (${since})，请在服务器上更新`,
  expiresSoon: (days, when) => `证书将在 ${days} 天后过期 (${when})，请在服务器上更新`,
  otherName: (host, names) => `证书不属于 ${host}，而属于 ${names}，请改用其中的名称或更换证书`,
  untrusted: (reason, issuer) => `${issuer} 的证书不受信任 (${reason})，自建证书颁发机构请用 --ca 文件 指定`,
  trusted: (protocol, days, issuer) => `${protocol}，${issuer} 的证书还有 ${days} 天有效`,

  noAnswer: (reason) => `没有 HTTP 应答（${withAdvice(reason)}）`,
  roundTrip: (path, ms, jitterMs) => `${path} 应答用时 ${ms} ms（5 次中位数，抖动 ${jitterMs} ms）`,
  shaky: (ms, jitterMs) =>
    `应答用时 ${ms} ms，抖动 ${jitterMs} ms，线路繁忙或为无线，可能中断，上传会自动续传`,
  clock: (seconds, isOff) =>
    `服务器时钟与本机相差 ${seconds} 秒${isOff ? '，请校准，否则日志和链接的时间不准' : ''}`,
  isFerry: '/check 的应答来自 Ferry 服务器，可以上传',
  notReady: (reasons) => `服务器目前不接受上传: ${reasons}`,
  tokenInClear: '令牌经由 http 明文传输，途中可被读取，请改用 https',

  protocol: 'POST、PATCH、HEAD 及 Upload-* 头均可通过',
  methodLost: (method, status) =>
    `${method} 无法通过 (HTTP ${status})，请让代理放行 ${method} 以及 Tus-Resumable、Upload-* 头`,
  headerLost: (method, header) => `${method} 的应答丢失了 ${header} 头，请让代理原样放行`,
  uploads: (rate, bytes) => `上传 ${formatBytes(rate)}/s（发送了 ${formatBytes(bytes)}，未存储）`,
  uploadBroken: (reason) => `发送中断（${withAdvice(reason)}）`,
  tooSmall: (bytes) => `未测量: 服务器不接受 ${formatBytes(bytes)} 的文件（见其 .env 的 MAX_SIZE）`,
  streams: '数据随发随到服务器',
  heldBack: (seconds) =>
    `${seconds} 秒后数据仍未到达服务器: 有代理在缓存请求（nginx: proxy_request_buffering off），在此之前请用 --chunk-size 8M`,
  there: (ms, busyMs, isProxy, isQueued) => {
    const way = isProxy ? '到代理往返' : '到服务器往返'
    const busy = busyMs === undefined ? '' : `，发送时 ${busyMs} ms`
    const advice = isQueued ? '，途中排起了长队，其他流量也被拖慢，可用 --limit-rate 限速' : ''
    return `${way} ${ms} ms${busy}${isProxy ? '（不含代理之后的路程）' : ''}${advice}`
  },
  lossUnknown: '未测量: 没有 ss 程序（Linux，iproute2），或它不知道我们的连接',
  lossless: (bytes) => `发送了 ${formatBytes(bytes)}，没有重传`,
  resent: (percent, bytes, cause) => `发送了 ${formatBytes(bytes)}，其中 ${percent} % 是重传${CAUSES[cause]}`,
  parallel: (rates) =>
    `上传: ${rates.map(({ connections, bytesPerSecond }) => `${connections} 个连接 ${formatBytes(bytesPerSecond)}/s`).join('，')}`,
  parallelBroken: (connections, reason) =>
    `同时用 ${connections} 个连接时发送中断（${withAdvice(reason)}），若较少的连接可用，请给 upload 加 --connections 1`,
  notParallel: '未测量: 规定时间内几乎没有数据到达',
  cannotJoin:
    '未测量: 服务器没有声明 tus concatenation，每个文件只能用一个连接（旧版服务器请升级；若是代理自己应答了 OPTIONS，请让它放行）',
  auto: (connections, reason, gain) =>
    `upload --connections auto 会用 ${connections} 个连接: ${whyAuto(reason, gain)}`,
  bodyFree: (bytes) => `可接受 ${formatBytes(bytes)} 的请求`,
  bodyLimit: (bytes, chunk) =>
    bytes === 0
      ? '连 64 KiB 的请求也被拒绝 (HTTP 413)，请提高限制（nginx: client_max_body_size 0）'
      : `大于 ${formatBytes(bytes)} 的请求被拒绝 (HTTP 413)，请用 --chunk-size ${chunk}，或提高限制（nginx: client_max_body_size 0）`,
  downloads: (rate, bytes) => `下载 ${formatBytes(rate)}/s（取回了 ${formatBytes(bytes)}）`,
  noDownload: (url, status) => `无法取回 ${url} (HTTP ${status})，代理是否转发 /files？`,
  noRanges: (url) => `请求部分内容时 ${url} 却返回全部: 代理丢弃了 Range，下载中断后只能从头开始`,
  notThere: (md5) => `未测量: 服务器上没有 ${md5}`,
  nothingToDownload: '未测量: 请给 ferry doctor 一个服务器上已有的 MD5',
}

function whyAuto(reason: Choice['reason'], gain: number): string {
  if (reason === 'quick') return '一个连接就够快'
  if (reason === 'full') return `一个连接已占满线路，多个的速度是它的 ${gain} 倍`
  return '单个连接受丢包或距离所限，多个快得多'
}

function withAdvice(reason: string): string {
  const advice = REASONS[reason]
  return advice ? `${reason}，${advice}` : reason
}
