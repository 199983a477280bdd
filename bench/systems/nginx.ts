import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunningServer } from '../harness/process.js'
import { onPath, startIn } from './system.js'

export const NGINX_MISSING = 'nginx is absent: `apt-get install nginx-light`, or another package of it'

/** Its version; undefined where it is not installed. */
export function nginxVersion(): string | undefined {
  const path = program()
  if (!path) return undefined
  const text = execFileSync('sh', ['-c', `"${path}" -v 2>&1`]).toString()
  return /nginx\/(\S+)/.exec(text)?.[1]
}

/** Static files by sendfile, one worker. */
export async function startNginx(folder: string): Promise<RunningServer> {
  const home = `${folder}.nginx`
  await mkdir(home, { recursive: true })
  return startIn(folder, (port) => {
    const config = join(home, 'nginx.conf')
    void writeFile(config, configuration(port, folder, home))
    return {
      program: 'sh',
      args: ['-c', `sleep 0.2; exec "${program()}" -p "${home}" -c "${config}" -e "${home}/error.log"`],
    }
  })
}

function configuration(port: number, folder: string, home: string): string {
  return `daemon off; worker_processes 1; pid ${home}/pid; user root;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${home}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; root ${folder}; }
}
`
}

/** Debian keeps it out of a user's PATH. */
function program(): string | undefined {
  return onPath('nginx') ?? onPath('../sbin/nginx')
}
