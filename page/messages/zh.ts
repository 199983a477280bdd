import type { Messages } from './messages.js'

export const chinese: Messages = {
  language: 'zh-CN',
  otherLanguage: 'English',

  drop: {
    title: '拖入文件，得到链接',
    titleForFingers: '选个文件，得到链接',
    chooseFiles: '选择文件',
    chooseFolder: '选择文件夹',
    hint: '可拖到页面任意位置，也可直接粘贴',
    promise: '网断了，从断点接着传；服务器已有的文件，不传第二遍。',
    anywhere: '松手即可上传',
  },

  card: {
    progress: '进度',
    pause: '暂停',
    goOn: '继续',
    cancel: '取消',
    remove: '从列表中移除',
    retry: '重试',
    tryNow: '立即重试',
    copy: '复制链接',
    copied: '已复制',
    pressKeys: (keys) => `请按 ${keys}`,
    open: '打开',
    qr: '二维码',
    qrOf: (link) => `${link} 的二维码`,
    qrMissing: '二维码加载失败，请收起后再试。',
  },

  step: {
    waiting: '排队中',
    hashing: (percent) => `正在读取文件：${percent}`,
    asking: '正在询问服务器…',
    elsewhere: (percent) => `有人正在上传同一个文件，已传 ${percent}。传完后，链接会出现在这里。`,
    of: (done, size) => `${done} / ${size}`,
    perSecond: (bytes) => `${bytes}/s`,
    left: {
      minutes: (amount) => `约剩 ${amount} 分钟`,
      hours: (amount) => `约剩 ${amount} 小时`,
      days: (amount) => `约剩 ${amount} 天`,
    },
    almost: '剩余不到 1 分钟',
    wasThere: (bytes) => `其中 ${bytes} 早已在服务器上`,
    verifying: '正在校验收到的内容…',
    between: '，',
    againIn: (seconds) => `${seconds} 秒后重试`,
    again: '正在重试…',
    paused: (percent) => `已暂停，停在 ${percent}`,
  },

  done: {
    stored: '已存储，校验无误',
    known: '服务器已有这个文件，无需上传',
    arrived: '别人已传完这个文件，校验无误',
  },

  trouble: {
    unreachable: '网络中断',
    silent: '已连上服务器，但数据传不过去',
    busy: '服务器正忙',
    'disk-full': '服务器磁盘已满',
  },

  failure: {
    unreadable: {
      why: '浏览器无法读取这个文件。',
      whatToDo: '它可能已被修改、移动、改名或占用，请重新选择。',
    },
    mismatch: {
      why: '服务器收到的内容与原文件不一致，因此没有保存。',
      whatToDo: '请重试。如果反复出现，请检查途中是否有代理改动了数据。',
    },
    'too-large': {
      why: '文件超过了服务器允许的大小。',
      whatToDo: '请联系服务器管理员调高上限，或拆成几份再传。',
    },
    'no-hash': {
      why: '浏览器无法计算这个文件的校验值。',
      whatToDo: '请刷新页面，或换一个浏览器。',
    },
    refused: {
      why: '服务器拒绝了这个文件。',
      whatToDo: '请重试；仍不行，就把下面这行发给服务器管理员。',
    },
  },

  list: {
    title: '文件',
    done: (done, all) => `已完成 ${done}/${all}`,
    failed: (failed) => `${failed} 个失败`,
    copyAll: '复制全部链接',
    removeFinished: '移除已完成',
    showMore: '显示更多',
  },

  unfinished: {
    title: '未传完',
    howTo: '重新选择同一个文件，就会从断点接着传。',
    there: (percent) => `已传 ${percent}`,
    choose: '重新选择',
    discard: '丢弃',
  },

  history: {
    title: '以前的链接',
    clear: '清空记录',
    clearMeans: '只清空这个浏览器里的列表，服务器上的文件不受影响。',
  },

  refused: {
    twice: (name) => `“${name}”已在列表中`,
    'too-large': (name) => `“${name}”超过了服务器允许的大小`,
    tooLargeFor: (name, limit) => `“${name}”超过了服务器允许的大小（${limit}）`,
    more: (count) => `另有 ${count} 个`,
  },

  token: {
    title: '这台服务器需要令牌',
    wrong: '服务器拒绝了这个令牌。',
    label: '令牌',
    remember: '在这个浏览器中记住',
    submit: '使用这个令牌',
    missing: '没有令牌，这台服务器不接收文件。',
    enter: '输入令牌',
  },

  title: { done: '完成', down: '网络中断', paused: '已暂停', failed: '失败' },

  news: {
    done: (name) => `${name}：链接已生成`,
    failed: (name, why) => `${name}：${why}`,
    linksCopied: '已复制全部链接',
    noLanguage: '另一种语言加载失败，请再试一次。',
  },

  footer: '链接给出的，必定是当初上传的那些字节。',
}
