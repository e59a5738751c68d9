import { WardbookError } from '../../kernel/errors.js'
import type { HttpAnswer } from './client.js'

/** Metadata is small; rows are never read this way. */
const MAX_BYTES = 32 * 1024 * 1024
const KEPT_CHARACTERS = 2_048

/**
 * Reads an answer that is one JSON document: metadata, a count, a page of a catalog. Never rows.
 * @param maxBytes refuses a longer body
 * @throws WardbookError 'portal-answer-unusable' (retry) when it is no JSON, e.g. a proxy's HTML page, with the start of the body;
 *   (fix-source) when it is too long; what reading the body throws
 */
export async function readJson(answer: HttpAnswer, maxBytes = MAX_BYTES): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.bytes) {
    length += chunk.length
    if (length > maxBytes)
      throw unusable(answer.url, `is longer than ${maxBytes} bytes`, { remedy: 'fix-source' })
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
  try {
    return JSON.parse(text)
  } catch (cause) {
    const start = text.slice(0, KEPT_CHARACTERS)
    const what = /^\s*</.test(text) ? 'is a web page' : text.trim() === '' ? 'is empty' : 'is broken JSON'
    throw unusable(answer.url, `${what}, not the JSON that was asked for`, { remedy: 'retry', start, cause })
  }
}

/** What is known of an answer that cannot be used. */
export interface UnusableAnswer {
  /** `retry`: asking again may help. `fix-source`: the portal or the city file has to change. */
  readonly remedy: 'retry' | 'fix-source'
  /** Start of the body, at most 2 KiB. */
  readonly start?: string
  readonly facts?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * The error for an answer that cannot be used although its status was good.
 * @param url  without secrets
 * @param what continues "the answer of <url> …"
 */
export function unusable(
  url: string,
  what: string,
  { remedy, start, facts, cause }: UnusableAnswer,
): WardbookError {
  const message = `the answer of ${url} ${what}`
  const all = { ...facts, url, ...(start === undefined ? {} : { start }) }
  const options = cause === undefined ? {} : { cause }
  if (remedy === 'retry') return new WardbookError('portal-answer-unusable', 'retry', message, all, options)
  return new WardbookError('portal-answer-unusable', 'fix-source', message, all, options)
}

/** The error for an export that ends within a line: what was not sent is missing, although the transfer ended well. */
export function cutOff(url: string): WardbookError {
  return unusable(url, 'ends in the middle of a line: it was cut off', { remedy: 'fix-source' })
}
