import { describe, expect, it } from 'vitest'
import { english } from '../../../page/messages/en.js'
import { chinese } from '../../../page/messages/zh.js'
import { isolated } from '../../../page/view/format/name.js'
import { pickLanguage } from '../../../page/view/format/pick-language.js'

describe('the page’s language', () => {
  it.each([
    [['zh-CN', 'en'], 'zh-CN'],
    [['zh-Hant-TW'], 'zh-CN'],
    [['de', 'fr', 'zh', 'en'], 'zh-CN'],
    [['de', 'en-GB', 'zh'], 'en'],
    [['de'], 'en'],
    [[null], 'en'],
    [['en', 'zh-CN'], 'en'],
    [[null, 'zh-CN'], 'zh-CN'],
    [['zha'], 'en'],
  ])('is chosen from %o: %s', (wishes, language) => {
    expect(pickLanguage(wishes)).toBe(language)
  })

  it('names the other one as that calls itself', () => {
    expect(english.otherLanguage).toBe('中文')
    expect(chinese.otherLanguage).toBe('English')
  })
})

describe('a file’s name in a sentence', () => {
  it('turns nothing but itself', () => {
    expect(isolated('שלום.iso')).toBe('\u2068שלום.iso\u2069')
    expect(isolated('\u202Egpj.exe\u2069')).toBe('gpj.exe')
  })

  it('is as it is where it turns nothing', () => {
    expect(isolated('游戏 v1.zip')).toBe('游戏 v1.zip')
  })
})
