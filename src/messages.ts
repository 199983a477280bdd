import type { BadValue } from './config.js'

export type Language = 'zh-CN' | 'en'

/** Every line that the server prints, in both languages. The Chinese ones of the start are documented to the letter. */
export interface Messages {
  started(bind: string, port: number, host: string): string
  shelf(known: number): string
  otherNames(count: number): string
  missing(count: number): string
  resumed(count: number): string
  swept(count: number): string
  expired(count: number): string
  torn(aside: string): string
  loopback(host: string, port: number, addresses: string[]): string
  stored(file: string, bytes: number, filename: string): string
  stopping(): string
  badValue(bad: BadValue): string
  portInUse(port: number): string
  portForbidden(port: number): string
  noSuchAddress(bind: string): string
  notWritable(key: string, directory: string, code: string): string
  twoFileSystems(files: string, tmp: string): string
  inUse(directory: string): string
  cantStart(reason: string): string
  failed(request: string, reason: string): string
  request(facts: string): string
  nearlyFull(free: number, least: number): string
  wrong(file: string, detail: string, isAside: boolean): string
  unreadable(file: string, reason: string): string
  openToAll(): string
}

const zh: Messages = {
  started: (bind, port, host) => `HTTP 服务启动: ${bind}:${port} (外网访问使用 HOST=${host})`,
  shelf: (known) => `初始化已知文件映射，记录 ${known} 个文件`,
  otherNames: (count) => `文件目录中有 ${count} 个名称不是 <md5>.<扩展名> 的条目，不会对外提供`,
  missing: (count) => `有 ${count} 个已记录的文件已不在文件目录中`,
  resumed: (count) => `恢复 ${count} 个未完成的上传，可继续续传`,
  swept: (count) => `清理 ${count} 个无主的临时文件`,
  expired: (count) => `清理 ${count} 个长期无进展的上传`,
  torn: (aside) => `索引已损坏，移至 ${aside}，现从文件目录重建（已存文件不受影响，未完成的上传需重新开始）`,
  loopback: (host, port, addresses) =>
    addresses.length > 0
      ? `HOST=${host} 仅本机可访问；若要让其他机器访问，请在 .env 中把 HOST 设为: ${addresses.join(' 或 ')} (端口 ${port})`
      : `HOST=${host} 仅本机可访问，且未找到其他网络地址`,
  stored: (file, bytes, filename) => `已存储: ${file} (${bytes} 字节)${filename ? ` ← ${filename}` : ''}`,
  stopping: () => '正在停止：保存进行中的上传…',
  badValue: ({ key, value, expected }) => `配置项 ${key} 的值 “${value}” 无效，应为: ${expected}`,
  portInUse: (port) => `端口 ${port} 已被占用；请停止占用它的程序，或在 .env 中修改 HTTP_PORT`,
  portForbidden: (port) => `没有权限监听端口 ${port}；请在 .env 中改用 1024 以上的 HTTP_PORT，或授予相应权限`,
  noSuchAddress: (bind) => `本机没有地址 ${bind}；请修改 BIND`,
  notWritable: (key, directory, code) =>
    `目录 ${directory} 不可写 (${code})；请修改其权限，或在 .env 中另设 ${key}`,
  twoFileSystems: (files, tmp) =>
    `${files} 与 ${tmp} 不在同一文件系统上，文件无法原子入库；请让 FILES_DIR 与 TMP_DIR 位于同一文件系统`,
  inUse: (directory) => `另一个 Ferry 正在使用目录 ${directory}；请先停止它，或另设 FILES_DIR 与 TMP_DIR`,
  cantStart: (reason) => `无法启动: ${reason}`,
  failed: (request, reason) => `${request} 失败: ${reason}`,
  request: (facts) => `请求 ${facts}`,
  nearlyFull: (free, least) =>
    `磁盘仅剩 ${mebibytes(free)} MiB，低于 MIN_FREE (${mebibytes(least)} MiB)：暂不接收上传；请清理磁盘，或在 .env 中减小 MIN_FREE`,
  wrong: (file, detail, isAside) =>
    `文件 ${file} 的内容与文件名不符 (${detail})，${isAside ? '已移入 .quarantine，' : '无法移走，请手动处理；'}不再提供`,
  unreadable: (file, reason) => `文件 ${file} 无法读取: ${reason}；请检查磁盘`,
  openToAll: () => '未设置 UPLOAD_TOKEN：凡能连到本服务的人都可以上传；如需限制，请在 .env 中设置它',
}

const en: Messages = {
  started: (bind, port, host) => `HTTP service started: ${bind}:${port} (public address HOST=${host})`,
  shelf: (known) => `Shelf read: ${known} file(s) known`,
  otherNames: (count) => `${count} name(s) in the files folder are not <md5>.<ext>; they are not served`,
  missing: (count) => `${count} file(s) that were known are no longer in the files folder`,
  resumed: (count) => `${count} unfinished upload(s) can go on`,
  swept: (count) => `Removed ${count} temporary file(s) that belong to no upload`,
  expired: (count) => `Removed ${count} upload(s) that have been idle for too long`,
  torn: (aside) =>
    `The index was damaged and is now ${aside}; it is rebuilt from the files (nothing stored is lost, unfinished uploads start over)`,
  loopback: (host, port, addresses) =>
    addresses.length > 0
      ? `HOST=${host} works on this machine only; for others set HOST in .env to ${addresses.join(' or ')} (port ${port})`
      : `HOST=${host} works on this machine only, and it has no other address`,
  stored: (file, bytes, filename) => `Stored: ${file} (${bytes} bytes)${filename ? ` <- ${filename}` : ''}`,
  stopping: () => 'Stopping: keeping what has arrived…',
  badValue: ({ key, value, expected }) => `${key}: "${value}" can't be used; write ${expected}`,
  portInUse: (port) => `Port ${port} is in use; stop the program that has it, or change HTTP_PORT in .env`,
  portForbidden: (port) =>
    `No right to listen on port ${port}; use an HTTP_PORT above 1023 in .env, or grant the right`,
  noSuchAddress: (bind) => `This machine has no address ${bind}; change BIND`,
  notWritable: (key, directory, code) =>
    `The folder ${directory} can't be written (${code}); change its permissions, or set ${key} in .env`,
  twoFileSystems: (files, tmp) =>
    `${files} and ${tmp} are on different file systems, so a file can't move in one step; put FILES_DIR and TMP_DIR on one`,
  inUse: (directory) =>
    `Another Ferry is using the folder ${directory}; stop that one, or set other FILES_DIR and TMP_DIR`,
  cantStart: (reason) => `Can't start: ${reason}`,
  failed: (request, reason) => `${request} failed: ${reason}`,
  request: (facts) => `Request ${facts}`,
  nearlyFull: (free, least) =>
    `Only ${mebibytes(free)} MiB are free, less than MIN_FREE (${mebibytes(least)} MiB): no uploads are taken; free some space, or set a smaller MIN_FREE in .env`,
  wrong: (file, detail, isAside) =>
    `${file} is not what its name says (${detail}); it ${isAside ? 'is in .quarantine now' : 'can’t be moved away: see to it yourself'} and is not served`,
  unreadable: (file, reason) => `${file} can't be read: ${reason}; check the disk`,
  openToAll: () =>
    'No UPLOAD_TOKEN is set: anyone who can reach this server may upload; set one in .env to change that',
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 / 1024)
}

/** The catalogue for a language. */
export function messagesIn(language: Language): Messages {
  return language === 'en' ? en : zh
}

/**
 * The language to speak: FERRY_LANG, else the POSIX locale variables in their order, else the system's locale where
 * the system has one of its own (Windows, macOS). English for en*, the documented Chinese lines for everything else.
 */
export function chooseLanguage(
  environment: Record<string, string | undefined>,
  systemLocale: string | undefined,
): Language {
  const { FERRY_LANG, LC_ALL, LC_MESSAGES, LANG } = environment
  const wish = /^(en|zh)/i.test(FERRY_LANG ?? '') ? FERRY_LANG : undefined
  const locale = wish || LC_ALL || LC_MESSAGES || LANG || systemLocale || ''
  return /^en/i.test(locale) ? 'en' : 'zh-CN'
}
