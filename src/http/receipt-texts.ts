import type { ErrorCode } from '../errors.js'
import type { Language } from '../messages.js'

/** Every text of the page that answers a form, in both languages. */
interface ReceiptTexts {
  stored: string
  known: string
  keep: string
  back: string
  again(seconds: number): string
  /** What has happened, and what to do about it. */
  refused(code: ErrorCode): Words
}

type Words = readonly [what: string, advice: string]

const zh: ReceiptTexts = {
  stored: '上传完成',
  known: '服务器上已有此文件，无需再次上传',
  keep: '此链接长期有效，请妥善保存。',
  back: '返回，上传另一个文件',
  again: (seconds) => `请在约 ${seconds} 秒后重试。`,
  refused: (code) =>
    refusedZh[code] ?? ['上传失败', '服务器未能保存此文件。请返回重试；若仍失败，请联系管理员。'],
}

const refusedZh: Partial<Record<ErrorCode, Words>> = {
  'bad-request': ['请求无法识别', '请返回重新选择文件。'],
  'bad-md5': ['地址中的 MD5 无效', 'MD5 由 32 位十六进制数字组成；也可以不填，由服务器自行计算。'],
  'bad-sha256': ['地址中的 SHA-256 无效', 'SHA-256 由 64 位十六进制数字组成；也可以不填。'],
  'missing-field': ['没有收到文件', '请返回，选择一个文件后再上传。'],
  'bad-form': ['上传中断', '表单没有完整到达，文件未保存。请返回重新上传。'],
  uploading: ['此文件正在由他人上传', '上传完成后，再次上传即可得到链接。'],
  'too-large': ['文件过大', '服务器不接收这么大的文件。请上传较小的文件，或联系管理员。'],
  'md5-mismatch': ['文件与所声明的 MD5 不符', '文件未保存。请核对 MD5，然后返回重新上传。'],
  'too-many': ['服务器暂时不接收更多上传', '文件未保存。请稍后重试。'],
  collision: [
    '另一个文件具有相同的 MD5',
    '两个文件内容不同但 MD5 相同，此文件未保存，返回的也不会是另一个文件。',
  ],
  unauthorized: ['此服务器需要令牌', '文件未保存。请返回重试，并在浏览器询问时把令牌填作密码。'],
  'wrong-origin': ['上传来自另一个网站', '文件未保存。请打开此服务器自己的页面上传。'],
  'wrong-host': ['服务器不使用这个地址', '文件未保存。请使用管理员告知的地址。'],
  'disk-full': ['服务器空间不足', '文件未保存。请稍后重试，或联系管理员。'],
}

const en: ReceiptTexts = {
  stored: 'Uploaded',
  known: 'This file is here already: no need to send it again',
  keep: 'The link stays as it is. Keep it.',
  back: 'Back, to upload another file',
  again: (seconds) => `Try again in about ${seconds} s.`,
  refused: (code) =>
    refusedEn[code] ?? [
      'The upload has failed',
      'The server could not keep the file. Go back and send it again; if that fails too, tell whoever runs this server.',
    ],
}

const refusedEn: Partial<Record<ErrorCode, Words>> = {
  'bad-request': ['The request makes no sense', 'Go back and choose the file again.'],
  'bad-md5': [
    'The MD5 in the address is none',
    'An MD5 has 32 hex digits. You can leave it out: the server computes it.',
  ],
  'bad-sha256': ['The SHA-256 in the address is none', 'A SHA-256 has 64 hex digits. You can leave it out.'],
  'missing-field': ['No file came', 'Go back, choose a file and upload it.'],
  'bad-form': [
    'The upload broke off',
    'Not all of it came, and nothing was kept. Go back and send it again.',
  ],
  uploading: [
    'Somebody else is uploading this file right now',
    'When it is there, send it again and you get its link.',
  ],
  'too-large': [
    'The file is too large',
    'This server does not take files of that size. Send a smaller one, or ask whoever runs it.',
  ],
  'md5-mismatch': [
    'The file has another MD5 than declared',
    'Nothing was kept. Check the MD5, then go back and send it again.',
  ],
  'too-many': ['The server takes no more uploads at the moment', 'Nothing was kept. Try again later.'],
  collision: [
    'Another file has this MD5',
    'Two files that differ have one MD5. Nothing was kept of this one, and the other one is not yours.',
  ],
  unauthorized: [
    'This server wants a token',
    'Nothing was kept. Go back and send it again; when the browser asks, the token is the password.',
  ],
  'wrong-origin': [
    'The upload came from another site',
    'Nothing was kept. Open this server’s own page and upload there.',
  ],
  'wrong-host': [
    'The server does not go by this address',
    'Nothing was kept. Use the address that whoever runs it has told you.',
  ],
  'disk-full': [
    'The server has no room for this file',
    'Nothing was kept. Try again later, or tell whoever runs this server.',
  ],
}

/** The texts for a language. */
export function receiptTexts(language: Language): ReceiptTexts {
  return language === 'en' ? en : zh
}
