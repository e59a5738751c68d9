import { z } from 'zod'
import { WardbookError } from '../../kernel/errors.js'
import { sha256Hex } from '../../kernel/ids.js'
import { withoutSecrets } from './redact.js'

/** An answer in a mirror: a file below its folder, or what else the portal said. */
const MirroredAnswer = z.strictObject({
  /** Path of the body; none for answers without one. */
  file: z.string().optional(),
  status: z.int().min(200).max(599).default(200),
  /** Headers that matter to a reader, by lower-case name; without them, those that the file's size and time give. */
  headers: z.record(z.string(), z.string()).optional(),
})
export type MirroredAnswer = z.infer<typeof MirroredAnswer>

/**
 * `mirror.json`: what was asked, to the file with the answer, or to the answer with its status and headers. What was asked is an address without
 * secrets, or `POST <address> <SHA-256 of the body>`.
 */
const MirrorIndex = z.record(
  z.string(),
  z.union([z.string().transform((file): MirroredAnswer => MirroredAnswer.parse({ file })), MirroredAnswer]),
)
export type MirrorIndex = Readonly<Record<string, MirroredAnswer>>

/** Name of the index below a mirror's folder. */
export const INDEX_FILE = 'mirror.json'

/**
 * Key of a request in a mirror: the same with and without its secrets.
 * @param body text of a POST; undefined for GET and HEAD, which have the same answer
 */
export function exchangeKey(url: string, body?: string): string {
  const shown = withoutSecretNames(url)
  return body === undefined ? shown : `POST ${shown} ${sha256Hex(body)}`
}

/** An address without the parameters that carry a secret. */
export function withoutSecretNames(url: string): string {
  const shown = withoutSecrets(url)
  if (shown === url || !URL.canParse(shown)) return shown
  const address = new URL(shown)
  for (const [name, value] of [...address.searchParams]) if (value === '…') address.searchParams.delete(name)
  return address.href
}

/** @throws WardbookError 'mirror-index-broken' (fix-config) */
export function parseIndex(text: string, file: string): MirrorIndex {
  try {
    return MirrorIndex.parse(JSON.parse(text))
  } catch (cause) {
    const message = `${file} is no JSON object of address to file, or to { file, status, headers }`
    throw new WardbookError('mirror-index-broken', 'fix-config', message, { file }, { cause })
  }
}
