import type { PageAnswer } from '../source.js'
import type { HttpAnswer } from './client.js'

/** Headers under which portals number their requests. */
const REQUEST_ID_HEADERS: readonly string[] = [
  'x-socrata-requestid',
  'x-request-id',
  'x-amz-request-id',
  'x-correlation-id',
]

/**
 * What was received, as a source hands it on.
 * @param kept lower-case names of further headers that the family keeps
 */
export function pageAnswer(answer: HttpAnswer, kept: readonly string[] = []): PageAnswer {
  const header = (name: string) => answer.headers.get(name) ?? undefined
  const further = kept.flatMap((name) => {
    const value = header(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    status: answer.status,
    etag: header('etag'),
    lastModified: header('last-modified'),
    requestId: REQUEST_ID_HEADERS.map(header).find((id) => id !== undefined),
    headers: Object.fromEntries(further),
    bytes: answer.bytes,
  }
}
