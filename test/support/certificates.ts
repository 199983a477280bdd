import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificate {
  key: string
  cert: string
  /** Where the certificate is. */
  path: string
}

/** A self-signed certificate from openssl, made in `dir`, for such names (`DNS:a.test`, `IP:127.0.0.1`). */
export function selfSigned(dir: string, names: string, days = 90): Certificate {
  const id = `${names.replaceAll(/\W/g, '-')}-${days}`
  const [keyPath, path] = [join(dir, `${id}.key`), join(dir, `${id}.pem`)]
  const config = join(dir, `${id}.cnf`)
  writeFileSync(
    config,
    `[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nO=Ferry Tests\nCN=test\n[ext]\nsubjectAltName=${names}\nbasicConstraints=CA:TRUE\n`,
  )
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync(
    'openssl',
    [...args, '-days', `${days}`, '-keyout', keyPath, '-out', path, '-config', config],
    {
      stdio: 'ignore',
    },
  )
  return { key: readFileSync(keyPath, 'utf8'), cert: readFileSync(path, 'utf8'), path }
}
