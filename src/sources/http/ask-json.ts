import type { Json } from '../../kernel/ids.js'
import { parseExactJson } from '../exact-json.js'
import type { HttpAnswer, HttpClient, HttpRequest } from './client.js'
import { unusable } from './read-json.js'

/** Largest record of a portal about itself: a list of five million ids is about as long. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024
const KEPT_CHARACTERS = 2_048

/** A portal's record about itself. */
export interface JsonAnswer {
  readonly json: Json
  readonly headers: Headers
}

/**
 * Asks for a portal's record about itself: metadata, a count, a page of a catalog. Ids beyond 2^53 survive as text.
 * @throws WardbookError 'portal-answer-unusable' (retry) when it is no JSON, (fix-source) beyond 64 MiB; the errors of `HttpClient.send`
 */
export async function askJson(http: HttpClient, request: HttpRequest): Promise<JsonAnswer> {
  const answer = await http.send({ ...request, headers: { accept: 'application/json', ...request.headers } })
  const text = await bodyText(answer, MAX_RECORD_BYTES)
  try {
    return { json: parseExactJson(text), headers: answer.headers }
  } catch (cause) {
    throw unusable(answer.url, 'is not the JSON that was asked for', {
      remedy: 'retry',
      start: text.slice(0, KEPT_CHARACTERS),
      cause,
    })
  }
}

/**
 * The whole body as text, without a byte order mark.
 * @throws WardbookError 'portal-answer-unusable' (fix-source) beyond `maxBytes`
 */
export async function bodyText(answer: HttpAnswer, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.bytes) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBytes)
      throw unusable(answer.url, `is longer than ${maxBytes} bytes`, { remedy: 'fix-source' })
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
