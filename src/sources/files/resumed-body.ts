import { createHash, type Hash } from 'node:crypto'
import { WardbookError } from '../../kernel/errors.js'
import type { HttpAnswer } from '../http/client.js'

/** Breaks of a transfer that are mended while each brings less than {@link PROGRESS_BYTES}, and in all. */
const MAX_IDLE_BREAKS = 4
const MAX_BREAKS = 100
const PROGRESS_BYTES = 1024 * 1024

/** Asks for the same file with more headers. */
export type AskAgain = (headers: Readonly<Record<string, string>>) => Promise<HttpAnswer>

/**
 * A body that goes on where its transfer broke, so that a large file does not begin anew. Where the server can, only the rest is asked for
 * (`Range` with `If-Range`); otherwise the file is sent again, and what was already handed on is compared by its digest and passed over.
 * @throws WardbookError 'changed-during-read' (retry) when the file is another one now; the transfer's own error after a bounded number of breaks
 */
export async function* resumedBody(first: HttpAnswer, askAgain: AskAgain): AsyncIterable<Uint8Array> {
  const received = createHash('sha256')
  let bytes = 0
  let [breaks, idleBreaks, lastBreakAt] = [0, 0, 0]
  let rest = first.bytes
  for (;;) {
    try {
      for await (const chunk of rest) {
        received.update(chunk)
        bytes += chunk.length
        yield chunk
      }
      return
    } catch (thrown) {
      breaks += 1
      idleBreaks = bytes - lastBreakAt >= PROGRESS_BYTES ? 0 : idleBreaks + 1
      lastBreakAt = bytes
      if (!isBreak(thrown) || breaks > MAX_BREAKS || idleBreaks > MAX_IDLE_BREAKS) throw thrown
    }
    rest = await restOf(first, askAgain, bytes, received)
  }
}

function isBreak(thrown: unknown): boolean {
  return thrown instanceof WardbookError && ['portal-broke-off', 'portal-stalled'].includes(thrown.code)
}

async function restOf(
  first: HttpAnswer,
  askAgain: AskAgain,
  bytes: number,
  received: Hash,
): Promise<AsyncIterable<Uint8Array>> {
  const validator = validatorOf(first.headers)
  if (bytes > 0 && validator !== undefined) {
    const range = { range: `bytes=${bytes}-`, 'if-range': validator, 'accept-encoding': 'identity' }
    const answer = await askAgain(range)
    if (isRest(answer, first, bytes)) return answer.bytes
    if (answer.status === 200) return afterPrefix(answer, bytes, received)
    await answer.discard()
  }
  return afterPrefix(await askAgain({}), bytes, received)
}

/**
 * What a server can compare before it sends a part: a strong entity tag, else the date. None for bodies that were unpacked on the way, whose
 * bytes are not the file's.
 */
function validatorOf(headers: Headers): string | undefined {
  if (headers.has('content-encoding') || headers.get('accept-ranges') === 'none') return undefined
  const etag = headers.get('etag')
  return etag?.startsWith('"') ? etag : (headers.get('last-modified') ?? undefined)
}

/** Whether an answer is the part that was asked for, of a file as long as before. */
function isRest(answer: HttpAnswer, first: HttpAnswer, bytes: number): boolean {
  const found = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers.get('content-range') ?? '')
  if (answer.status !== 206 || found === null || answer.headers.has('content-encoding')) return false
  const length = first.headers.get('content-length')
  return Number(found[1]) === bytes && (found[2] === '*' || length === null || found[2] === length)
}

/** The body behind its first bytes, which must be those that came before. */
async function* afterPrefix(answer: HttpAnswer, bytes: number, received: Hash): AsyncIterable<Uint8Array> {
  const prefix = createHash('sha256')
  let left = bytes
  for await (const chunk of answer.bytes) {
    const cut = Math.min(left, chunk.length)
    if (cut > 0) prefix.update(chunk.subarray(0, cut))
    if (left > 0 && left === cut) demandSame(prefix, received, answer.url)
    left -= cut
    if (cut < chunk.length) yield chunk.subarray(cut)
  }
  if (left > 0) throw changed(answer.url)
}

function demandSame(prefix: Hash, received: Hash, url: string): void {
  if (prefix.digest('hex') !== received.copy().digest('hex')) throw changed(url)
}

function changed(url: string): WardbookError {
  const message = `${url} is another file than before its transfer broke: it is read again`
  return new WardbookError('changed-during-read', 'retry', message, { url })
}
