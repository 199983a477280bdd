import type { Language } from '../locale.js'

/** What `ferry get` says beside the lines and errors that all commands share. */
export interface GetMessages {
  getting: (url: string, path: string, size: number) => string
  streaming: (url: string, size: number) => string
  goesOnFrom: (done: number, size: number) => string
  startsOver: string
  replaced: string
  checkingLocal: (path: string) => string
  alreadyHere: (path: string) => string
  got: (path: string) => string
  streamed: (md5: string) => string
  failed: (path: string, problem: string) => string
  summary: (got: number, already: number, failed: number) => string
  noColumn: (name: string) => string
  row: (line: number, reason: string) => string
  label: string
}

const english: GetMessages = {
  getting: (url, path, size) => `[INFO] Get: ${url} => ${path} (size=${size})`,
  streaming: (url, size) => `[INFO] Get: ${url} (size=${size})`,
  goesOnFrom: (done, size) => `[INFO] Going on: ${done}/${size} are here already`,
  startsOver: '[WARN] What an earlier run left behind is damaged: getting all of it again',
  replaced: '[WARN] The content at this address is another than before: getting all of it again',
  checkingLocal: (path) => `[INFO] The file is there already, computing its MD5: ${path}`,
  alreadyHere: (path) => `[SUCCESS] Here already, nothing to get: ${path}`,
  got: (path) => `[SUCCESS] Got and verified: ${path}`,
  streamed: (md5) => `[SUCCESS] All of it is written, and its MD5 is right: ${md5}`,
  failed: (path, problem) => `[ERROR] ${path}: ${problem}`,
  summary: (got, already, failed) => `[INFO] ${got} got, ${already} here already, ${failed} failed`,
  noColumn: (name) => `its first line names no column ${name}`,
  row: (line, reason) => `line ${line}: ${reason}`,
  label: 'Get',
}

const chinese: GetMessages = {
  getting: (url, path, size) => `[INFO] 开始下载: ${url} => ${path} (size=${size})`,
  streaming: (url, size) => `[INFO] 开始下载: ${url} (size=${size})`,
  goesOnFrom: (done, size) => `[INFO] 断点续传: 本地已有 ${done}/${size}`,
  startsOver: '[WARN] 上次留下的部分数据已损坏，全部重新下载',
  replaced: '[WARN] 此地址的内容与之前不同，全部重新下载',
  checkingLocal: (path) => `[INFO] 文件已存在，正在计算其 MD5: ${path}`,
  alreadyHere: (path) => `[SUCCESS] 本地已有此文件，无需下载: ${path}`,
  got: (path) => `[SUCCESS] 下载完成，校验通过: ${path}`,
  streamed: (md5) => `[SUCCESS] 全部数据已输出，MD5 校验通过: ${md5}`,
  failed: (path, problem) => `[ERROR] ${path}: ${problem}`,
  summary: (got, already, failed) => `[INFO] 已下载 ${got} 个，本地已有 ${already} 个，失败 ${failed} 个`,
  noColumn: (name) => `首行缺少 ${name} 列`,
  row: (line, reason) => `第 ${line} 行: ${reason}`,
  label: '下载',
}

/** The catalogue of a language. */
export function getMessagesIn(language: Language): GetMessages {
  return language === 'en' ? english : chinese
}
