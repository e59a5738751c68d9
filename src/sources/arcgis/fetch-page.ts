import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import type { HttpAnswer, HttpClient } from '../http/client.js'
import { pageAnswer } from '../http/page-answer.js'
import type { PageAnswer, PageRequest } from '../source.js'
import { errorObjectOf, mayPass } from './failure.js'
import { askedBy, smaller } from './smaller.js'

/** Shares of the rows that are asked for after a page has failed twice. */
const SHARES = [2, 4, 8, 16]
/** Error objects are shorter; a page that begins like one and is longer is a page. */
const MAX_ERROR_BYTES = 65_536
const START_OF_ERROR = /^\s*\{\s*"error"\s*:/
/** Enough of a body to see whether it begins like an error object. */
const START_BYTES = 64
const FAILED_ON_PAGE = [500, 504]

/**
 * Sends a page's request. A server that fails on it (500, or an error object that may mean anything) gets it once more, then for smaller
 * parts of the rows; what was asked for in the end stands in the headers of the answer. When nothing helps, the first request is sent with
 * all the client's patience, and its outcome counts.
 */
export async function fetchArcgisPage(
  http: HttpClient,
  request: PageRequest,
  secrets: Readonly<Record<string, string>>,
): Promise<PageAnswer> {
  for (const parts of [1, 1, ...SHARES]) {
    const asked = parts === 1 ? request : smaller(request, parts)
    const answer = asked === undefined ? undefined : await tryOnce(http, asked, secrets)
    if (asked !== undefined && answer !== undefined) return withAsked(pageAnswer(answer), asked)
  }
  const answer = await http.send(httpRequest(request, secrets))
  return withAsked(pageAnswer(answer), request)
}

function withAsked(answer: PageAnswer, asked: PageRequest): PageAnswer {
  return { ...answer, headers: { ...answer.headers, ...askedBy(asked) } }
}

/** @returns undefined when the server failed on this page, as it may not on a smaller one */
async function tryOnce(
  http: HttpClient,
  request: PageRequest,
  secrets: Readonly<Record<string, string>>,
): Promise<HttpAnswer | undefined> {
  try {
    const judge = (status: number) => (FAILED_ON_PAGE.includes(status) ? ('final' as const) : undefined)
    const answer = await http.send({ ...httpRequest(request, secrets), judge })
    return await unlessError(answer)
  } catch (thrown) {
    if (thrown instanceof WardbookError && FAILED_ON_PAGE.includes(thrown.facts.status as number))
      return undefined
    throw thrown
  }
}

function httpRequest({ url, post }: PageRequest, secretQuery: Readonly<Record<string, string>>) {
  const headers = { accept: 'application/json' }
  if (post === undefined) return { url, secretQuery, headers }
  return { url, secretQuery, headers: { ...headers, 'content-type': post.contentType }, body: post.text }
}

/** The answer with its body as it came; undefined when the body is an error object that may pass. */
async function unlessError(answer: HttpAnswer): Promise<HttpAnswer | undefined> {
  const body = answer.bytes[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let [length, needed] = [0, START_BYTES]
  while (length < needed) {
    const next = await body.next()
    if (next.done === true) break
    chunks.push(next.value)
    length += next.value.length
    if (START_OF_ERROR.test(textOf(chunks, START_BYTES))) needed = MAX_ERROR_BYTES
  }
  const error = needed === START_BYTES ? undefined : errorObjectOf(parsed(textOf(chunks, length)))
  if (error !== undefined && mayPass(error)) {
    await body.return?.()
    return undefined
  }
  return { ...answer, bytes: goOn(chunks, body) }
}

async function* goOn(
  chunks: readonly Uint8Array[],
  body: AsyncIterator<Uint8Array>,
): AsyncIterable<Uint8Array> {
  try {
    yield* chunks
    for (let next = await body.next(); next.done !== true; next = await body.next()) yield next.value
  } finally {
    await body.return?.()
  }
}

function textOf(chunks: readonly Uint8Array[], bytes: number): string {
  return Buffer.concat(chunks)
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined // a page that only begins like an error object; reading it tells what it is
  }
}
