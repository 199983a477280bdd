import type { Language } from '../messages.js'
import type { Finding } from '../store/verify.js'

/** What the operator's commands say, in both languages. */
export interface AdminMessages {
  about: string
  serve: string
  list: string
  listName: string
  listSince: string
  listUntil: string
  listLeast: string
  listMost: string
  stat: string
  remove: string
  uploads: string
  verify: string
  repair: string
  rate: string
  json: string
  md5Argument: string
  badDate(text: string): string
  badSize(text: string): string
  badMd5(text: string): string
  noLedger(directory: string): string
  tornLedger(directory: string): string
  cantOpen(reason: string): string
  columns: { list: string[]; uploads: string[] }
  unverified: string
  notComputed: string
  listed(files: number, bytes: string): string
  unknown(md5: string): string
  removed(file: string): string
  noUploads: string
  totals: Record<'shelf' | 'quarantine' | 'open' | 'free' | 'server' | 'scrub', string>
  serving(isServing: boolean): string
  reading(percent: number, speed: string, left: string): string
  finding(finding: Finding): string
  mended: string
  left: string
  serverMends: string
  verified(files: number, bytes: string, seconds: number): string
  allFine: string
  tryRepair: string
  interrupted: string
}

const KINDS_ZH: Record<Finding['kind'], string> = {
  'wrong-content': '内容与文件名不符',
  'wrong-size': '索引记录的大小不对',
  'unknown-file': '索引中没有此文件',
  'missing-file': '索引中有记录，但文件已不在',
  unreadable: '无法读取',
  changing: '正在被写入，稍后再验证',
  'foreign-names': '名称不是 <md5>.<扩展名> 的条目数',
  duplicate: '同一内容的另一份',
  sound: '正常',
  'part-to-be-made': '上传已登记，尚无数据',
  'part-missing': '上传的数据已丢失',
  'part-longer': '数据比检查点长（多出部分将被截去）',
  'part-shorter': '数据比检查点短',
  'part-on-shelf': '上传已完整，下次启动时收尾',
  'stray-part': '无主的临时文件',
  'torn-ledger': '索引缺失或已损坏，已从文件目录重建',
}

const KINDS_EN: Record<Finding['kind'], string> = {
  'wrong-content': 'is not what its name says',
  'wrong-size': 'has another size than was recorded',
  'unknown-file': 'is not in the index',
  'missing-file': 'is in the index, and not there',
  unreadable: "can't be read",
  changing: 'is being written; verify it later',
  'foreign-names': 'names that are not <md5>.<ext>',
  duplicate: 'the same content once more',
  sound: 'is fine',
  'part-to-be-made': 'an upload without any data yet',
  'part-missing': 'an upload whose data is gone',
  'part-longer': 'an upload with data beyond its checkpoint, which will be cut off',
  'part-shorter': 'an upload with less data than was acknowledged',
  'part-on-shelf': 'an upload that is complete; the next start finishes it',
  'stray-part': 'temporary data that belongs to no upload',
  'torn-ledger': 'the index was damaged or missing, and is rebuilt from the files',
}

const zh: AdminMessages = {
  about: 'Ferry 服务器。不带命令即启动服务；以下命令可在服务运行时使用',
  serve: '启动服务（默认）',
  list: '列出已存储的文件',
  listName: '文件名包含此文字',
  listSince: '此日期或之后存储，如 2026-01-31 或 "2026-01-31 14:00"',
  listUntil: '此日期之前存储',
  listLeast: '不小于，如 500MB、2GiB',
  listMost: '不大于',
  stat: '概况，或某个文件的详情',
  remove: '删除文件（正在进行的下载不受影响）',
  uploads: '正在接收的上传：时长、速度、来源',
  verify: '重新读取所有文件，与文件名和索引核对',
  repair: '修复：不符的文件移入 .quarantine，不再提供；索引与文件目录对齐',
  rate: '读取速度上限，如 100MB/s',
  json: '以 JSON 输出，每行一个对象',
  md5Argument: '文件的 MD5（32 位十六进制）',
  badDate: (text) => `“${text}” 不是日期；请写成 2026-01-31 或 "2026-01-31 14:00"`,
  badSize: (text) => `“${text}” 不是大小；请写成 500MB、2GiB 等`,
  badMd5: (text) => `“${text}” 不是 MD5；应为 32 位十六进制数`,
  noLedger: (directory) => `${directory} 中没有 Ferry 的索引；请检查 FILES_DIR，或先启动一次服务`,
  tornLedger: (directory) =>
    `${directory} 中的索引已损坏；请重启服务，或在服务停止时运行 verify --repair，索引将从文件目录重建`,
  cantOpen: (reason) => `无法打开: ${reason}`,
  columns: {
    list: ['MD5', '大小', '存储时间', '文件名'],
    uploads: ['ID', '方式', '进度', '速度', '已用时', '空闲', '来源', '文件名'],
  },
  unverified: '未校验',
  notComputed: '尚未计算',
  listed: (files, bytes) => `${files} 个文件，共 ${bytes}`,
  unknown: (md5) => `没有此文件: ${md5}`,
  removed: (file) => `已删除: ${file}`,
  noUploads: '当前没有上传',
  totals: {
    shelf: '已存储',
    quarantine: '已隔离',
    open: '未完成的上传',
    free: '磁盘可用空间',
    server: '服务',
    scrub: '本轮后台校验进度',
  },
  serving: (isServing) => (isServing ? '运行中' : '未运行'),
  reading: (percent, speed, left) => `校验 ${percent}% ${speed}/s 剩余 ${left}`,
  finding: ({ kind, name, detail }) => `${name}: ${KINDS_ZH[kind]}${detail ? `（${detail}）` : ''}`,
  mended: '已修复',
  left: '未修复',
  serverMends: '由服务在下次启动时处理',
  verified: (files, bytes, seconds) => `已校验 ${files} 个文件，共 ${bytes}，用时 ${seconds} 秒`,
  allFine: '全部正常',
  tryRepair: '加上 --repair 可修复',
  interrupted: '已中断，尚未校验完',
}

const en: AdminMessages = {
  about: 'The Ferry server. Without a command it serves; the commands work beside a running server',
  serve: 'serve (the default)',
  list: 'list what is stored',
  listName: 'with this text in the name',
  listSince: 'stored on this date or later, as in 2026-01-31 or "2026-01-31 14:00"',
  listUntil: 'stored before this date',
  listLeast: 'at least this size, as in 500MB or 2GiB',
  listMost: 'at most this size',
  stat: 'how much there is, or all about one file',
  remove: 'delete files (downloads that have begun end well)',
  uploads: 'what is arriving: since when, how fast, from where',
  verify: 'read all files again and compare them with their names and the index',
  repair: 'mend it: wrong files go to .quarantine and are not served, the index follows the files',
  rate: 'read at most so fast, as in 100MB/s',
  json: 'print JSON, one object a line',
  md5Argument: 'a file’s MD5 (32 hex digits)',
  badDate: (text) => `"${text}" is no date; write 2026-01-31 or "2026-01-31 14:00"`,
  badSize: (text) => `"${text}" is no size; write 500MB, 2GiB or the like`,
  badMd5: (text) => `"${text}" is no MD5; it has 32 hex digits`,
  noLedger: (directory) =>
    `There is no index of Ferry's in ${directory}; check FILES_DIR, or start the server once`,
  tornLedger: (directory) =>
    `The index in ${directory} is damaged; restart the server, or run verify --repair while it is stopped: it is rebuilt from the files`,
  cantOpen: (reason) => `Can't open the files: ${reason}`,
  columns: {
    list: ['MD5', 'Size', 'Stored', 'Name'],
    uploads: ['Id', 'By', 'Progress', 'Speed', 'Age', 'Idle', 'From', 'Name'],
  },
  unverified: 'not verified',
  notComputed: 'not computed yet',
  listed: (files, bytes) => `${files} file(s), ${bytes}`,
  unknown: (md5) => `No such file: ${md5}`,
  removed: (file) => `Deleted: ${file}`,
  noUploads: 'Nothing is arriving',
  totals: {
    shelf: 'Stored',
    quarantine: 'Set aside',
    open: 'Unfinished uploads',
    free: 'Free on the disk',
    server: 'Server',
    scrub: 'Background check, this round',
  },
  serving: (isServing) => (isServing ? 'running' : 'not running'),
  reading: (percent, speed, left) => `Verifying ${percent}% ${speed}/s ${left} left`,
  finding: ({ kind, name, detail }) => `${name}: ${KINDS_EN[kind]}${detail ? ` (${detail})` : ''}`,
  mended: 'mended',
  left: 'not mended',
  serverMends: 'the server sees to it at its next start',
  verified: (files, bytes, seconds) => `Verified ${files} file(s), ${bytes}, in ${seconds} s`,
  allFine: 'Everything is as it should be',
  tryRepair: 'Run it with --repair to mend this',
  interrupted: 'Interrupted before the end',
}

/** The catalogue for a language. */
export function adminMessagesIn(language: Language): AdminMessages {
  return language === 'en' ? en : zh
}
