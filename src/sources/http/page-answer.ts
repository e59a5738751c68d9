import type { PageAnswer } from '../source.js'
import type { HttpAnswer } from './client.js'

const REQUEST_IDS = ['x-request-id', 'x-amz-request-id', 'x-correlation-id', 'x-arcgis-trace-id']

/** What of an answer is kept beside its body. */
export interface Kept {
  /** Headers to keep, lower case; a name that ends in `*` stands for all that begin so. */
  readonly names?: readonly string[]
  /** What the family adds, e.g. what was really asked for. */
  readonly more?: Readonly<Record<string, string>>
}

/** An answer of the client as a page's answer. */
export function pageAnswer(answer: HttpAnswer, { names = [], more = {} }: Kept = {}): PageAnswer {
  const header = (name: string) => answer.headers.get(name) ?? undefined
  const isKept = (name: string) =>
    names.some((kept) => (kept.endsWith('*') ? name.startsWith(kept.slice(0, -1)) : name === kept))
  return {
    status: answer.status,
    etag: header('etag'),
    lastModified: header('last-modified'),
    requestId: REQUEST_IDS.map(header).find((id) => id !== undefined),
    headers: { ...Object.fromEntries([...answer.headers].filter(([name]) => isKept(name))), ...more },
    bytes: answer.bytes,
  }
}
