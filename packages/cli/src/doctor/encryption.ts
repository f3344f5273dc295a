import type { TlsFacts } from '../databases/opened.js'
import type { Finding } from './finding.js'
import type { Reach } from './network.js'

const DAY_MS = 86_400_000
const SOON_MS = 21 * DAY_MS

/** What the encryption of a connection leaves open. Within the machine none is needed. */
export function findInEncryption(tls: TlsFacts | undefined, reach: Reach, now: number): Finding[] {
  if (tls === undefined) return []
  const findings: Finding[] = []
  if (!tls.encrypted && reach !== 'local')
    findings.push({
      id: 'tls-off',
      severity: reach === 'public' ? 'critical' : 'warning',
      title:
        'The connection is not encrypted: data, and queries, can be read and changed on the way.',
      evidence: [`the server is in a ${reach === 'unknown' ? 'network' : `${reach} network`}`],
      fix: 'Add sslmode=verify-full and sslrootcert=/path/to/ca.pem to the URL (MySQL: the option ssl), and have the server refuse plain connections.',
    })
  if (tls.encrypted && tls.verified === false && reach !== 'local')
    findings.push({
      id: 'tls-unverified',
      severity: 'warning',
      title:
        'The connection is encrypted, but the certificate of the server is not verified: it may be that of another.',
      evidence: [`${tls.protocol ?? 'TLS'} without a check of the certificate`],
      fix: 'Use sslmode=verify-full with sslrootcert=/path/to/ca.pem, and rejectUnauthorized: true where the option ssl is an object.',
    })
  return [...findings, ...findInCertificate(tls, now)]
}

function findInCertificate({ certificateEnds }: TlsFacts, now: number): Finding[] {
  if (certificateEnds === undefined) return []
  const leftMs = Date.parse(certificateEnds) - now
  if (leftMs > SOON_MS) return []
  const ended = leftMs <= 0
  return [
    {
      id: 'tls-certificate-ends',
      severity: ended ? 'critical' : 'warning',
      title: ended
        ? 'The certificate of the server has expired: clients that verify it cannot connect.'
        : `The certificate of the server expires in ${Math.ceil(leftMs / DAY_MS)} days.`,
      evidence: [`valid until ${certificateEnds}`],
      fix: 'Renew the certificate and have the server load it.',
    },
  ]
}
